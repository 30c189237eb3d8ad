-- What changed, from what to what, why and by whom. Append only; entries outlive their rows, so nothing refers to them.
create table history (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  subject text not null,
  subject_id integer not null,
  event text not null,
  from_state text,
  to_state text,
  why text not null,
  who text not null,
  constraint history_subject check (subject in ('node', 'image', 'provider'))
);
create index history_of_subject on history (subject, subject_id, id);
create index history_by_age on history (at);

create table provider_status (
  provider_name text primary key,
  breakers jsonb not null,
  pauses jsonb not null,
  limits jsonb,
  last_error text,
  changed_at timestamptz not null
);

-- labels: {label: {"requested": n, "granted": n}}
create table allocation_round (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  labels jsonb not null
);

-- The last definition, without secrets, of what left the configuration but still has nodes or images.
create table retired_section (
  kind text not null,
  name text not null,
  definition jsonb not null,
  retired_at timestamptz not null,
  primary key (kind, name),
  constraint retired_section_kind check (kind in ('provider', 'label', 'target', 'diskimage'))
);

create table build_failure (
  provider_name text not null,
  image_name text not null,
  failures integer not null,
  last_error text not null,
  failed_at timestamptz not null,
  retry_at timestamptz not null,
  primary key (provider_name, image_name)
);
