-- Additive. An image that waits for its smoke test is `building`, with the step `smoke-test`, since `step_time`. Of a ready one:
-- how many launches from it failed in a row, and when the first one worked. Both stay empty where nothing asks for them.
alter table snapshot_image
  add column step_time timestamptz,
  add column failed_launches integer,
  add column launched_at timestamptz;

alter table snapshot_image drop constraint snapshot_image_step;
alter table snapshot_image add constraint snapshot_image_step check (step in (
  'create-server', 'wait-active', 'wait-ssh', 'setup', 'save', 'wait-builder', 'upload', 'smoke-test')) not valid;

-- The image that this node tries, and for which alone it is launched.
alter table node add column smoke_image_id integer;
