import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { systemClock, withDeadline } from '../../src/runtime/clock.ts';
import { joinSignals } from '../../src/runtime/join-signals.ts';
import { KeyedTasks } from '../../src/runtime/keyed-tasks.ts';
import { RequestGate } from '../../src/runtime/request-gate.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { Wakeup } from '../../src/runtime/wakeup.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const WAITS = 1000;

/** Waits many times under one signal, side by side in tens, and tells what listens to it in the end. */
async function listenersAfter(wait: (signal: AbortSignal, n: number) => Promise<unknown>): Promise<number> {
  const long = new AbortController();
  for (let n = 0; n < WAITS; n += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, each) => wait(long.signal, n + each)));
  }
  return getEventListeners(long.signal, 'abort').length;
}

const clock = new FakeClock();
const tasks = new TaskBoard(clock);
const log = new RecordingLogger();
const gate = new RequestGate(
  { name: 'peer', minGapMs: 0, concurrency: 3, deadlineMs: 1000, maxQueued: 100 },
  { clock, tasks },
);
const keyed = new KeyedTasks('NodeLauncher', 3, { log, tasks });

describe('a signal that lives as long as the process keeps nothing of', () => {
  test.each<[string, (signal: AbortSignal, n: number) => Promise<unknown>]>([
    [
      'signals joined with it',
      (signal) => {
        using joined = joinSignals(signal);
        return Promise.resolve(joined);
      },
    ],
    ['work within a deadline', (signal) => withDeadline({ what: 'work', ms: 9 }, { clock, signal }, immediately)],
    ['work that fails', (signal) => withDeadline({ what: 'work', ms: 9 }, { clock, signal }, failing).catch(ignore)],
    ['requests through a gate', (signal) => gate.run({ name: 'get' }, signal, immediately)],
    ['sleeps', (signal) => systemClock.sleep(0, signal)],
    ['loops that were woken', woken],
    [
      'tasks that ended',
      async (signal, n) => {
        keyed.start({ key: `node ${n}`, lane: 'east' }, signal, immediately);
        await keyed.settled();
      },
    ],
  ])('%s', async (_, wait) => {
    expect(await listenersAfter(wait)).toBe(0);
    expect(clock.sleeping).toBe(0);
  });

  test('requests that wait for their turn, and those that gave up', async () => {
    const long = new AbortController();
    const full = new RequestGate(
      { name: 'peer', minGapMs: 0, concurrency: 1, deadlineMs: 1000, maxQueued: 100 },
      { clock, tasks },
    );
    const patience = new AbortController();
    const waiting = [1, 2, 3].map(() =>
      full.run({ name: 'get' }, patience.signal, (signal) => clock.sleep(100, signal)).catch(ignore),
    );
    const served = full.run({ name: 'get' }, long.signal, immediately);

    patience.abort(new Error('Enough'));
    await Promise.all([...waiting, served]);

    expect(getEventListeners(long.signal, 'abort')).toHaveLength(0);
    expect(getEventListeners(patience.signal, 'abort')).toHaveLength(0);
  });
});

async function woken(signal: AbortSignal): Promise<void> {
  const wakeup = new Wakeup(clock);
  const waited = wakeup.wait(1000, signal);
  wakeup.wake();
  await waited;
}

function immediately(): Promise<void> {
  return Promise.resolve();
}

function failing(): Promise<void> {
  return Promise.reject(new Error('Refused'));
}

function ignore(): void {
  // what failed is not what these tests are about
}
