import { systemRandomness } from '../../src/runtime/randomness.ts';
import { BEAT_MS } from '../../src/db/judge-daemon.ts';
import { type Enlisted, type Enlistment, openDatabase } from '../../src/db/database.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import type { TestDatabase } from './test-database.ts';

/** A daemon of a test: it beats when its clock is moved, and sleeps while that stands still. */
export type TestDaemon = Enlisted &
  AsyncDisposable & {
    readonly clock: FakeClock;
    readonly log: RecordingLogger;
    /** Lets it beat so many times. */
    beat(times?: number): Promise<void>;
  };

/** All that a daemon can do. */
export const ALL_ROLES: Enlistment['roles'] = ['launches', 'deletes', 'images'];

/** How many beats it takes until a daemon may judge others. */
export const STEADY_BEATS = 4;

/** Starts a daemon on the database, in this process. */
export async function startDaemon(own: TestDatabase, changes: Partial<Enlistment> = {}): Promise<TestDaemon> {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const opened = await openDatabase(
    { url: own.url, program: 'nodepoold' },
    { clock, log, randomness: systemRandomness },
    neverAborted,
  );
  const enlistment = { host: 'host', pid: process.pid, version: '1', roles: ALL_ROLES, ...changes };
  const enlisted = await opened.enlist(enlistment);
  // Its own wait for the next beat, and that of the connection which listens.
  await clock.untilSleeping(2);
  return {
    ...enlisted,
    ...{ clock, log },
    beat: async (times = 1) => {
      for (let beats = 0; beats < times; beats += 1) {
        await clock.advance(BEAT_MS);
        await clock.untilSleeping(2);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await enlisted.life[Symbol.asyncDispose]();
      await opened.close();
    },
  };
}

/** Resolves with the next look of the daemon that shows something new. */
export function nextNews({ life }: TestDaemon): Promise<Parameters<Parameters<typeof life.onNews>[0]>[0]> {
  return new Promise((resolve) => {
    life.onNews(resolve);
  });
}

/** Cuts the connection that holds the daemon's lock, as if its process had died. */
export async function cutSession(own: TestDatabase, { life }: TestDaemon): Promise<void> {
  const sql =
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1 and objsubid = 2";
  await own.query(sql, [life.identity.number]);
  while (await holdsLock(own, life.identity.number)) await own.query('select pg_sleep(0.01)');
}

export async function holdsLock(own: TestDatabase, number: number): Promise<boolean> {
  const sql = "select 1 from pg_locks where locktype = 'advisory' and objid = $1 and objsubid = 2 and granted";
  return (await own.query(sql, [number])).length > 0;
}

/** As if nothing had been heard of the daemon for so long. */
export async function silence(own: TestDatabase, { life }: TestDaemon, seconds: number): Promise<void> {
  const sql = 'update daemon set seen_at = clock_timestamp() - make_interval(secs => $2) where id = $1';
  await own.query(sql, [life.identity.id, seconds]);
}

/** Declares the daemon dead behind its back. */
export async function endDaemon(own: TestDatabase, { life }: Pick<TestDaemon, 'life'>): Promise<void> {
  const sql =
    "update daemon set ended_at = clock_timestamp(), ended_why = 'it was not heard of for 16 s' where id = $1";
  await own.query(sql, [life.identity.id]);
}

/** Empties the tables between tests, which is quicker than a database for each. */
export async function emptyTables(own: TestDatabase): Promise<void> {
  await own.query(`truncate daemon, leadership, node, subnode, snapshot_image, build_failure, history, allocation_round,
    provider_status restart identity`);
}
