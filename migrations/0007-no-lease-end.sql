-- A claim ends with its daemon, not at a time. No program ever named this column, so that older ones go on.
alter table node drop column lease_until;
