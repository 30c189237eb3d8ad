-- Additive. While there is a row, daemons begin no launch and no deletion.
create table "freeze" (
  only_row boolean primary key default true,
  since timestamptz not null,
  who text not null,
  why text not null,
  constraint freeze_only_row check (only_row)
);
