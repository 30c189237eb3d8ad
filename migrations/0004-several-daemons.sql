-- Additive: programs of schema 3 can go on while newer ones run.
-- The daemons that work on this database, or did lately. All times are the database's.
create table daemon (
  id text primary key,
  number integer generated always as identity unique,
  host text not null,
  pid integer not null,
  -- Boot and process namespace in which `pid` counts.
  place text not null,
  version text not null,
  -- What it may do: launches, deletes, images.
  roles text[] not null,
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  -- From then on nothing that it sends is written, whatever it believes.
  ended_at timestamptz,
  ended_why text
) with (fillfactor = 50); -- each beat changes a row: room for it on the same page

-- Who does what only one may do.
create table leadership (
  role text primary key,
  daemon_id text not null,
  since timestamptz not null default clock_timestamp()
);

-- Programs that know this schema version, or a later one, can work on the database. A migration that older programs
-- cannot live with raises it; all others leave it, so that a farm is upgraded daemon by daemon.
alter table installation add column oldest_program integer not null default 4;
