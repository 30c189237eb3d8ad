import { describe, expect, test } from 'vitest';
import { ServerLists } from '../../src/openstack/server-list.ts';
import type { Server } from '../../src/provider/cloud-provider.ts';
import { aServer } from '../fakes/fake-cloud.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

/** Lists of a cloud in memory; `reads` are the instants at which a request began. */
function setup(facts: { readonly slowestMs?: number; readonly tookMs?: number } = {}) {
  const clock = new FakeClock(new Date(0));
  const closing = new AbortController();
  const reads: number[] = [];
  const state = { servers: [aServer('a')] as readonly Server[], failure: undefined as Error | undefined };
  const { tookMs = 0, ...options } = facts;
  const read = async (signal: AbortSignal): Promise<readonly Server[]> => {
    reads.push(clock.monotonicMs());
    if (tookMs > 0) await clock.sleep(tookMs, signal);
    if (state.failure !== undefined) throw state.failure;
    return state.servers;
  };
  const lists = new ServerLists({ clock, read, ...options }, closing.signal);
  return { clock, closing, reads, state, lists };
}

/** Waits for list after list, as a launch does. */
async function follow(lists: ServerLists, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await lists.next(signal).catch(() => undefined);
}

describe('ServerLists', () => {
  test('two hundred waiters cost one request per poll', async () => {
    const { clock, reads, lists } = setup();

    const waits = Array.from({ length: 200 }, () => lists.next(neverAborted));
    await pass(clock, 0);

    expect(await Promise.all(waits)).toHaveLength(200);
    expect(reads).toEqual([0]);
  });

  test('nobody waiting costs none', async () => {
    const { clock, reads, lists } = setup();
    await lists.next(neverAborted);

    await pass(clock, 60_000);

    expect(reads).toEqual([0]);
  });

  test('polls come slower while nothing changes, and fast again after a change', async () => {
    const { clock, reads, state, lists } = setup();
    const stop = new AbortController();
    const follower = follow(lists, stop.signal);

    await pass(clock, 30_000);
    const idle = gaps(reads);
    state.servers = [aServer('a'), aServer('b')];
    await pass(clock, 10_000);
    stop.abort();
    await follower;

    expect(idle.slice(0, 3)).toEqual([300, 480, 768]);
    expect(idle.at(-1)).toBe(5000);
    expect(gaps(reads).slice(idle.length)).toContain(300);
  });

  test('a create or delete of ours makes the next polls fast', async () => {
    const { clock, reads, lists } = setup();
    const stop = new AbortController();
    const follower = follow(lists, stop.signal);
    await pass(clock, 30_000);
    const before = reads.length;

    lists.expectChange();
    await pass(clock, 400);
    stop.abort();
    await follower;

    expect(reads.length).toBeGreaterThan(before);
  });

  test('clouds.yaml may ask for faster polls at rest', async () => {
    const { clock, reads, lists } = setup({ slowestMs: 1000 });
    const stop = new AbortController();
    const follower = follow(lists, stop.signal);

    await pass(clock, 20_000);
    stop.abort();
    await follower;

    expect(gaps(reads).at(-1)).toBe(1000);
  });

  test('a slow cloud is asked at most half of the time', async () => {
    const { clock, reads, lists } = setup({ tookMs: 2000 });
    const stop = new AbortController();
    const follower = follow(lists, stop.signal);

    await pass(clock, 9000);
    stop.abort();
    await follower;

    expect(reads).toEqual([0, 4000, 8000]);
  });

  test('who comes while a request is under way gets the next one, for the first may miss what he waits for', async () => {
    const { clock, reads, state, lists } = setup({ tookMs: 100 });
    const first = lists.next(neverAborted);
    await pass(clock, 50);
    const second = lists.next(neverAborted);
    await pass(clock, 50);
    await first;
    state.servers = [aServer('b')];
    await pass(clock, 1000);

    expect(await second).toMatchObject([{ id: 'b' }]);
    expect(reads).toHaveLength(2);
  });

  test('now() does not wait for the interval, and shares its poll with the others', async () => {
    const { clock, reads, lists } = setup();
    await lists.next(neverAborted);
    const waiting = lists.next(neverAborted);
    await pass(clock, 100);

    const now = lists.now(neverAborted);
    await pass(clock, 0);

    expect(await now).toBe(await waiting);
    expect(reads).toEqual([0, 100]);
  });

  test('a failed request fails its waiters, and the next one is a new poll', async () => {
    const { clock, state, lists } = setup();
    state.failure = new Error('Nova is down');
    await expect(lists.next(neverAborted)).rejects.toThrow('Nova is down');

    state.failure = undefined;
    const next = lists.next(neverAborted);
    await pass(clock, 300);

    expect(await next).toMatchObject([{ id: 'a' }]);
  });

  test('one waiter that is aborted leaves the others their list', async () => {
    const { clock, lists } = setup({ tookMs: 100 });
    const abort = new AbortController();
    const leaving = lists.next(abort.signal);
    const staying = lists.next(neverAborted);
    await pass(clock, 50);
    abort.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    await pass(clock, 50);

    expect(await staying).toHaveLength(1);
  });

  test('closing ends all waits', async () => {
    const { clock, closing, lists } = setup();
    await lists.next(neverAborted);
    const waiting = lists.next(neverAborted);
    const failure = expect(waiting).rejects.toThrow('closed');
    await clock.untilSleeping();

    closing.abort(new Error('closed'));

    await failure;
  });
});

/** Moves time on in small steps: what a poll starts needs a few turns before it sleeps again. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  await clock.advance(0);
  for (let gone = 0; gone < ms; gone += 2) await clock.advance(2);
}

function gaps(instants: readonly number[]): readonly number[] {
  return instants.slice(1).map((instant, index) => Math.round(instant - (instants[index] ?? 0)));
}
