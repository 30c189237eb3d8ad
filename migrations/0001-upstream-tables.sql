-- The tables of Nodepool 0.3.1, column for column. A database of that program, or of an older one, is taken over as it is.
-- States are 1 building, 2 ready, 3 used, 4 delete, 5 hold, 6 test; times are epoch seconds.
create table if not exists node (
  id serial primary key,
  provider_name varchar(255) not null,
  label_name varchar(255) not null,
  target_name varchar(255) not null,
  manager_name varchar(255),
  hostname varchar(255),
  nodename varchar(255),
  external_id varchar(255),
  az varchar(255),
  ip varchar(255),
  ip_private varchar(255),
  state integer,
  state_time integer,
  comment varchar(255)
);
create table if not exists subnode (
  id serial primary key,
  node_id integer not null,
  hostname varchar(255),
  external_id varchar(255),
  ip varchar(255),
  ip_private varchar(255),
  state integer,
  state_time integer
);
create table if not exists snapshot_image (
  id serial primary key,
  provider_name varchar(255) not null,
  image_name varchar(255) not null,
  hostname varchar(255),
  version integer,
  external_id varchar(255),
  server_external_id varchar(255),
  state integer,
  state_time integer
);
create table if not exists dib_image (
  id serial primary key,
  image_name varchar(255) not null,
  filename varchar(255),
  version integer,
  state integer,
  state_time integer
);
create table if not exists job (
  id serial primary key,
  name varchar(255),
  hold_on_failure integer
);

-- What the programs before 0.3.1 lacked.
alter table node
  add column if not exists manager_name varchar(255),
  add column if not exists az varchar(255),
  add column if not exists ip_private varchar(255),
  add column if not exists comment varchar(255);
alter table subnode add column if not exists ip_private varchar(255);

-- SQLAlchemy's names, so that nothing is indexed twice.
create index if not exists ix_node_provider_name on node (provider_name);
create index if not exists ix_node_label_name on node (label_name);
create index if not exists ix_node_target_name on node (target_name);
create index if not exists ix_node_hostname on node (hostname);
create index if not exists ix_node_nodename on node (nodename);
create index if not exists ix_subnode_node_id on subnode (node_id);
create index if not exists ix_subnode_hostname on subnode (hostname);
create index if not exists ix_snapshot_image_provider_name on snapshot_image (provider_name);
create index if not exists ix_snapshot_image_image_name on snapshot_image (image_name);
create index if not exists ix_dib_image_image_name on dib_image (image_name);
create index if not exists ix_job_name on job (name);
