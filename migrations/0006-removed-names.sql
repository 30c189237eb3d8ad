-- Additive. What a removed row was called outside: proof that an agent, keypair or port which is left over was ours.
alter table history add column names text[];
create index history_by_name on history using gin (names) where names is not null;
