import type { DaemonIdentity, LeaderRole } from '../node/daemon-store.ts';
import type { Sighting, Verdict } from './judge-daemon.ts';
import type { LockKey, LockSession } from './lock-session.ts';

/** What a daemon says of itself when it registers. */
export type Registration = Omit<DaemonIdentity, 'number'> & { readonly place: string };

/** A daemon that was not declared dead. */
export type SeenDaemon = DaemonIdentity & Sighting & { readonly leads: readonly string[] };

/** First number of each daemon's lock, "nodd"; the second is the daemon's own. */
const LOCK_CLASS = 1_852_793_956;

const FORGET_SQL = "delete from daemon where ended_at < clock_timestamp() - interval '1 day'";

const REGISTER_SQL = `
  insert into daemon (id, host, pid, place, version, roles) values ($1, $2, $3, $4, $5, $6) returning number`;

const BEAT_SQL = `update daemon set seen_at = clock_timestamp() where id = $1 and ended_at is null returning 1`;

const LIVING_SQL = `
  select id, number, host, pid, place, version, roles,
    (extract(epoch from clock_timestamp() - seen_at) * 1000)::float8 as "silentMs",
    array(select role from leadership where daemon_id = daemon.id) as "leads",
    id <> $1 and exists (
      select from pg_locks
      where locktype = 'advisory' and granted and classid = ${LOCK_CLASS} and objid = number::oid and objsubid = 2
        and database = (select oid from pg_database where datname = current_database())
    ) as "locked"
  from daemon where ended_at is null order by number`;

// Skipped where a statement of that daemon is just being done: it is looked at again soon, and our own beats do not wait.
const BURY_SQL = `
  update daemon set ended_at = clock_timestamp(), ended_why = $2
  where id in (
    select id from daemon
    where id = $1 and ended_at is null and seen_at <= clock_timestamp() - make_interval(secs => $3)
    for update skip locked
  ) returning 1`;

const LEAD_SQL = `
  insert into leadership as held (role, daemon_id) select role, $1 from unnest($2::text[]) as role
  on conflict (role) do update set daemon_id = excluded.daemon_id, since = clock_timestamp()
    where not exists (select from daemon where id = held.daemon_id and ended_at is null)
  returning role`;

const RESIGN_SQL = 'delete from leadership where daemon_id = $1 and role = any ($2::text[])';

const LEAVE_SQL = `
  with resigned as (delete from leadership where daemon_id = $1)
  update daemon set ended_at = clock_timestamp(), ended_why = 'it stopped' where id = $1 and ended_at is null`;

/** One daemon's statements on the tables `daemon` and `leadership`, over its own session. */
export class DaemonRegister {
  readonly #session: LockSession;
  readonly #id: string;

  constructor(id: string, session: LockSession) {
    this.#id = id;
    this.#session = session;
  }

  /** Makes the daemon's row; gives its number. */
  async enter({ host, pid, place, version, roles }: Registration): Promise<number> {
    await this.#session.rows(FORGET_SQL);
    const values = [this.#id, host, pid, place, version, roles];
    const [row] = await this.#session.rows<{ readonly number: number }>(REGISTER_SQL, values);
    if (row === undefined) throw new Error('The daemon got no number');
    await this.#session.hold(lockOf(row.number));
    return row.number;
  }

  /** Says that the daemon lives; false: it was declared dead. */
  async beat(): Promise<boolean> {
    return (await this.#session.rows(BEAT_SQL, [this.#id])).length > 0;
  }

  /** All that were not declared dead, by number; also this one. */
  async living(): Promise<readonly SeenDaemon[]> {
    return await this.#session.rows<SeenDaemon>(LIVING_SQL, [this.#id]);
  }

  /** Declares a daemon dead, unless it was heard of meanwhile; true: it is done. */
  async bury({ id }: SeenDaemon, { why, leastSilenceMs }: Verdict): Promise<boolean> {
    return (await this.#session.rows(BURY_SQL, [id, why, leastSilenceMs / 1000])).length > 0;
  }

  /** Takes what no living daemon leads; gives what it took. */
  async lead(roles: readonly LeaderRole[]): Promise<void> {
    await this.#session.rows(LEAD_SQL, [this.#id, roles]);
  }

  async resign(roles: readonly LeaderRole[]): Promise<void> {
    await this.#session.rows(RESIGN_SQL, [this.#id, roles]);
  }

  /** From now on others may go on with all that was this daemon's. */
  async leave(): Promise<void> {
    await this.#session.rows(LEAVE_SQL, [this.#id]);
  }
}

function lockOf(number: number): LockKey {
  return [LOCK_CLASS, number];
}
