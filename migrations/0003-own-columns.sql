-- Upstream's limits that an operator's comment or the year 2038 would meet.
alter table node
  alter column provider_name type text, alter column label_name type text, alter column target_name type text,
  alter column manager_name type text, alter column hostname type text, alter column nodename type text,
  alter column external_id type text, alter column az type text, alter column ip type text,
  alter column ip_private type text, alter column comment type text, alter column state_time type bigint;
alter table subnode
  alter column hostname type text, alter column external_id type text, alter column ip type text,
  alter column ip_private type text, alter column state_time type bigint;
alter table snapshot_image
  alter column provider_name type text, alter column image_name type text, alter column hostname type text,
  alter column external_id type text, alter column server_external_id type text,
  alter column version type bigint, alter column state_time type bigint;
alter table dib_image
  alter column image_name type text, alter column filename type text,
  alter column version type bigint, alter column state_time type bigint;
alter table job alter column name type text;

-- Ours. Of snapshot_image and dib_image, `version` is upstream's: the epoch second of the build's start.
alter table node
  add column version integer not null default 1,
  add column step text,
  add column step_time timestamptz,
  add column attempt uuid,
  add column image_id integer,
  add column registered_at timestamptz,
  add column host_key text,
  add column forced boolean,
  add column delete_after timestamptz,
  add column lease_owner text,
  add column lease_until timestamptz;
alter table subnode
  add column version integer not null default 1,
  add column attempt uuid,
  add column host_key text;
alter table snapshot_image
  add column row_version integer not null default 1,
  add column step text,
  add column attempt uuid,
  add column host_key text,
  add column last_error text;
alter table dib_image
  add column row_version integer not null default 1,
  add column builder text,
  add column formats text,
  add column last_error text;

-- Upstream cannot resume what it was building, and neither can we without its attempt id; a state it never wrote is
-- a broken row. Both are deleted, which looks for what they left in the cloud.
with broken as (
  update node set state = 4, state_time = extract(epoch from now())::bigint
  where state is null or state not between 2 and 6 returning id
)
insert into history (at, subject, subject_id, event, to_state, why, who)
select now(), 'node', id, 'deleted', 'delete', 'Left unfinished by the Nodepool before this one', 'migration' from broken;
with broken as (
  update snapshot_image set state = 4, state_time = extract(epoch from now())::bigint
  where state is null or state not in (2, 4) returning id
)
insert into history (at, subject, subject_id, event, to_state, why, who)
select now(), 'image', id, 'deleted', 'delete', 'Left unfinished by the Nodepool before this one', 'migration' from broken;
update subnode set state = 4 where state is null or state not in (2, 4);
update dib_image set state = 4 where state is null or state not in (2, 4);

-- A row without a time would be as old as Unix and reaped at once.
update node set state_time = extract(epoch from now())::bigint where state_time is null;
update subnode set state_time = extract(epoch from now())::bigint where state_time is null;
update snapshot_image set state_time = extract(epoch from now())::bigint where state_time is null;
update dib_image set state_time = extract(epoch from now())::bigint where state_time is null;

alter table node
  alter column state set not null, alter column state_time set not null,
  add constraint node_state check (state in (1, 2, 3, 4, 5, 6)),
  add constraint node_step
    check (step in ('create-server', 'wait-active', 'wait-ssh', 'write-files', 'ready-script'));
alter table subnode
  alter column state set not null, alter column state_time set not null,
  add constraint subnode_state check (state in (1, 2, 4)),
  -- Not valid: upstream left orphans behind; they are for the leak report.
  add constraint subnode_of_node foreign key (node_id) references node (id) on delete cascade not valid;
alter table snapshot_image
  alter column state set not null, alter column state_time set not null,
  add constraint snapshot_image_state check (state in (1, 2, 4)),
  add constraint snapshot_image_step
    check (step in ('create-server', 'wait-active', 'wait-ssh', 'setup', 'save'));
alter table dib_image
  alter column state set not null, alter column state_time set not null,
  add constraint dib_image_state check (state in (1, 2, 4));

-- Two schedulers must not build the same image twice.
create unique index snapshot_image_building on snapshot_image (provider_name, image_name) where state = 1;
