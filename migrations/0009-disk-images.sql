-- Additive. Which build an upload is of; uploads of upstream's do not say.
alter table snapshot_image add column dib_image_id integer;

-- How far a daemon has come with a build, and where an operator took it back.
alter table dib_image
  add column step text,
  add column withdrawn_from text[] not null default '{}',
  alter column formats type text[] using coalesce(string_to_array(formats, ','), '{}'),
  add constraint dib_image_step check (step in ('wait-builder', 'submitted'));
alter table dib_image alter column formats set default '{}', alter column formats set not null;

-- Two schedulers must not build the same disk image twice.
create unique index dib_image_building on dib_image (image_name) where state = 1;

alter table snapshot_image drop constraint snapshot_image_step;
alter table snapshot_image add constraint snapshot_image_step
  check (step in ('create-server', 'wait-active', 'wait-ssh', 'setup', 'save', 'wait-builder', 'upload')) not valid;

-- Of what operators paused by a command. A failed build of a disk image is a build_failure without a provider's name.
create table image_pause (
  image_name text primary key,
  since timestamptz not null,
  who text not null
);

-- Not valid: what is there keeps to the narrower one.
alter table history drop constraint history_subject;
alter table history add constraint history_subject
  check (subject in ('node', 'image', 'provider', 'dib-image')) not valid;
