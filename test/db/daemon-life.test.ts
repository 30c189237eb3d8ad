import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  cutSession,
  emptyTables,
  endDaemon,
  holdsLock,
  nextNews,
  silence,
  startDaemon,
  STEADY_BEATS,
  type TestDaemon,
} from './test-daemons.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

let own: TestDatabase;

beforeAll(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
}, 20_000);

afterEach(async () => {
  await emptyTables(own);
});

afterAll(async () => {
  await own[Symbol.asyncDispose]();
});

async function whyEnded({ life }: TestDaemon): Promise<string | null | undefined> {
  const sql = 'select ended_why from daemon where id = $1';
  const [row] = await own.query<{ readonly ended_why: string | null }>(sql, [life.identity.id]);
  return row?.ended_why;
}

describe('leading', () => {
  test('the first daemon leads all that it may at once, and the second stands by', async () => {
    await using first = await startDaemon(own);
    await using second = await startDaemon(own, { host: 'other' });
    await first.beat();
    await second.beat(STEADY_BEATS);

    const listed = await second.database.daemons.list();

    expect(listed.map(({ host, leads, number }) => ({ host, leads, number }))).toEqual([
      { host: 'host', leads: ['allocation', 'images', 'reconciliation'], number: 1 },
      { host: 'other', leads: [], number: 2 },
    ]);
    expect(listed.every(({ silentMs }) => silentMs >= 0 && silentMs < 60_000)).toBe(true);
    expect(first.life.leads('allocation')).toBe(true);
    expect(second.life.leads('allocation')).toBe(false);
    expect(second.life.look.leaders.get('images')).toMatchObject({ host: 'host', pid: process.pid });
  });

  test('a daemon leads only what its flags let it do, so the rest is for another', async () => {
    await using deleter = await startDaemon(own, { roles: ['deletes'] });
    await using launcher = await startDaemon(own, { roles: ['launches', 'images'] });

    const leads = (daemon: TestDaemon): readonly boolean[] =>
      (['allocation', 'reconciliation', 'images'] as const).map((role) => daemon.life.leads(role));

    expect(leads(deleter)).toEqual([false, true, false]);
    expect(leads(launcher)).toEqual([true, false, true]);
  });

  test('one that stops hands over at once, without a beat', async () => {
    const first = await startDaemon(own);
    await using second = await startDaemon(own);
    const news = nextNews(second);

    await first[Symbol.asyncDispose]();

    expect((await news).leaders.get('allocation')).toMatchObject({ number: 2 });
    expect(second.life.leads('reconciliation')).toBe(true);
    expect(await whyEnded(first)).toBe('it stopped');
  });

  test('one that settles before it stops resigns first, and leads nothing again', async () => {
    await using first = await startDaemon(own);
    await using second = await startDaemon(own);
    const news = nextNews(second);

    await first.life.resign(['allocation', 'reconciliation']);
    await news;
    await first.beat(2);

    expect(second.life.leads('allocation')).toBe(true);
    expect(second.life.leads('images')).toBe(false);
    expect(first.life.leads('images')).toBe(true);
    expect(await whyEnded(first)).toBeNull();
  });
});

describe('death', () => {
  test('a daemon that sleeps keeps its lock, and is dead after 15 s of silence', async () => {
    await using sleeper = await startDaemon(own);
    await using other = await startDaemon(own);
    await other.beat(STEADY_BEATS);

    await silence(own, sleeper, 14);
    await other.beat();
    const before = await whyEnded(sleeper);
    await silence(own, sleeper, 16);
    await other.beat();

    expect(before).toBeNull();
    expect(await holdsLock(own, sleeper.life.identity.number)).toBe(true);
    expect(await whyEnded(sleeper)).toBe('it was not heard of for 16 s');
    expect(other.life.leads('allocation')).toBe(true);
  });

  test('one whose connection is gone too is dead after 5 s', async () => {
    await using dead = await startDaemon(own);
    await using other = await startDaemon(own);
    await other.beat(STEADY_BEATS);
    await cutSession(own, dead);

    await silence(own, dead, 4);
    await other.beat();
    const before = await whyEnded(dead);
    await silence(own, dead, 6);
    await other.beat();

    expect(before).toBeNull();
    expect(await whyEnded(dead)).toBe('its connection is gone, and it was not heard of for 6 s');
    expect(other.life.leads('images')).toBe(true);
  });

  test('one whose process is gone from this machine is dead at once, so a restart loses no time', async () => {
    const pid = spawnSync('true').pid;
    const crashed = await startDaemon(own, { pid });
    await cutSession(own, crashed);

    await using next = await startDaemon(own);

    expect(next.life.leads('allocation')).toBe(true);
    expect(await whyEnded(crashed)).toBe('its process is gone');
    expect(next.life.look.died).toMatchObject([{ daemon: { number: 1, pid }, why: 'its process is gone' }]);
    await crashed[Symbol.asyncDispose]();
  });

  test('a process id of another machine or container says nothing', async () => {
    const pid = spawnSync('true').pid;
    await using elsewhere = await startDaemon(own, { pid });
    await own.query("update daemon set place = 'elsewhere'");
    await cutSession(own, elsewhere);

    await using next = await startDaemon(own);

    expect(next.life.leads('allocation')).toBe(false);
    expect(await whyEnded(elsewhere)).toBeNull();
  });

  test('a connection that is lost and made again costs nobody anything', async () => {
    await using first = await startDaemon(own);
    await using second = await startDaemon(own);
    await second.beat(STEADY_BEATS);
    await cutSession(own, first);

    await first.beat(2); // the first of them may meet the end of the connection
    await second.beat();

    expect(await holdsLock(own, first.life.identity.number)).toBe(true);
    expect(first.life.leads('allocation')).toBe(true);
    expect(await whyEnded(first)).toBeNull();
  });

  test('after an outage of the database nobody is dead before all had time to be heard again', async () => {
    await using first = await startDaemon(own);
    await using second = await startDaemon(own);
    await Promise.all([first.beat(STEADY_BEATS), second.beat(STEADY_BEATS)]);
    for (const daemon of [first, second]) {
      await cutSession(own, daemon);
      await silence(own, daemon, 60);
    }

    await second.beat(2);
    const meanwhile = await whyEnded(first);
    await first.beat(2);
    await second.beat(STEADY_BEATS);

    expect(meanwhile).toBeNull();
    expect(await whyEnded(first)).toBeNull();
    expect(first.life.leads('allocation')).toBe(true);
  });

  test('one that slept itself does not judge the others by the time that it missed', async () => {
    await using first = await startDaemon(own);
    await using second = await startDaemon(own);
    await second.beat(STEADY_BEATS);
    await silence(own, first, 60);

    await second.clock.advance(60_000); // its next beat comes a minute late
    await second.clock.untilSleeping(2);

    expect(await whyEnded(first)).toBeNull();
  });

  test('one whose statement is just being done is looked at again, and nobody waits for it', async () => {
    await using slow = await startDaemon(own);
    await using other = await startDaemon(own);
    await other.beat(STEADY_BEATS);
    await silence(own, slow, 60);
    await own.query('begin');
    await own.query('select from daemon where id = $1 for share', [slow.life.identity.id]);

    await other.beat();
    const meanwhile = await whyEnded(slow);
    await own.query('commit');
    await other.beat();

    expect(meanwhile).toBeNull();
    expect(await whyEnded(slow)).toBe('it was not heard of for 60 s');
  });

  test('a daemon that finds itself dead ends with one reason and beats no more', async () => {
    await using slept = await startDaemon(own);
    await endDaemon(own, slept);
    const ended = once(slept.life.ended, 'abort');

    await slept.clock.advance(2_000);
    await ended;

    expect(slept.life.ended.reason).toMatchObject({
      name: 'DaemonEndedError',
      message: 'it was not heard of for 16 s',
    });
    expect(slept.log.messages('warn')).toEqual([]);
  });

  test('a daemon whose row a restored database does not have ends too', async () => {
    await using daemon = await startDaemon(own);
    await own.query('delete from daemon');
    const ended = once(daemon.life.ended, 'abort');

    await daemon.clock.advance(2_000);
    await ended;

    expect(daemon.life.ended.reason).toMatchObject({ message: 'it is not registered' });
  });
});

test('ten connections at most, with the one that holds the lock', async () => {
  await using daemon = await startDaemon(own);
  const small = { provider: 'east', label: 'small', target: 'ci' };
  const nodes = await daemon.database.nodes.insert(Array<typeof small>(300).fill(small), { who: 'x', why: 'y' });

  await Promise.all(nodes.map(({ id }) => daemon.database.nodes.claim(id)));

  const sql = "select count(*)::int as n from pg_stat_activity where datname = $1 and application_name = 'nodepoold'";
  expect(await own.query(sql, [own.name])).toEqual([{ n: 10 }]);
});

test('daemons that ended long ago are forgotten, others are listed', async () => {
  const first = await startDaemon(own);
  await first[Symbol.asyncDispose]();
  const second = await startDaemon(own);
  await second[Symbol.asyncDispose]();
  await own.query("update daemon set ended_at = ended_at - interval '2 days' where number = 1");

  await using third = await startDaemon(own);

  const listed = await third.database.daemons.list();
  expect(listed).toMatchObject([
    { number: 2, endedWhy: 'it stopped' },
    { number: 3, roles: ['launches', 'deletes', 'images'] },
  ]);
  expect(listed[1]).not.toHaveProperty('endedAt');
});
