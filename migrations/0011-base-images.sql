-- Additive. Of which base image a snapshot was made: id in the cloud. Of earlier ones nobody knows.
alter table snapshot_image add column base_image_id text;
