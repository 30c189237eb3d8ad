import { describe, expect, test } from 'vitest';
import { KeyedTasks } from '../../src/runtime/keyed-tasks.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { letWorkGoOn } from '../pool/pass-time.ts';

function aBench(concurrency = 10) {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const tasks = new TaskBoard(clock);
  const keyed = new KeyedTasks('NodeLauncher', concurrency, { log, tasks });
  const began: string[] = [];
  /** Starts a task that takes `ms`. */
  const start = (key: string, ms: number, { signal = neverAborted, lane = 'east' } = {}): boolean =>
    keyed.start({ key, lane }, signal, async (_task, inner) => {
      began.push(key);
      await clock.sleep(ms, inner);
    });
  return { clock, log, tasks, keyed, began, start };
}

describe('KeyedTasks', () => {
  test('runs one task per key, so that each pass may start all that it sees', async () => {
    const { clock, keyed, began, start } = aBench();

    expect([start('node 1', 100), start('node 1', 100), start('node 2', 100)]).toEqual([true, false, true]);
    await letWorkGoOn();
    await clock.advance(100);
    await keyed.settled();

    expect(began).toEqual(['node 1', 'node 2']);
    expect(start('node 1', 0)).toBe(true);
  });

  test('runs no more than allowed at once, the others in their order', async () => {
    const { clock, keyed, began, start } = aBench(2);
    for (const key of ['a', 'b', 'c', 'd']) start(key, 100);

    await letWorkGoOn();
    expect(began).toEqual(['a', 'b']);
    expect([keyed.size, keyed.has('d')]).toEqual([4, true]);
    await clock.advance(100);
    await letWorkGoOn();
    await clock.advance(100);
    await keyed.settled();

    expect(began).toEqual(['a', 'b', 'c', 'd']);
    expect(keyed.size).toBe(0);
  });

  test('has a queue for each lane, so that tasks whose peer hangs do not keep others from their turn', async () => {
    const { began, start } = aBench(2);
    for (const key of ['a', 'b', 'c']) start(key, 1e9);

    start('d', 100, { lane: 'west' });
    await letWorkGoOn();

    expect(began).toEqual(['a', 'b', 'd']);
  });

  test('logs a task that fails, and forgets it, for the next pass to start it again', async () => {
    const { log, keyed, start } = aBench();
    const failure = new Error('The cloud is away');

    keyed.start({ key: 'node 1', lane: 'east' }, neverAborted, () => Promise.reject(failure));
    await keyed.settled();

    expect(log.entries).toMatchObject([
      { level: 'error', message: 'NodeLauncher node 1 failed', facts: { error: failure } },
    ]);
    expect(start('node 1', 0)).toBe(true);
  });

  test('survives a task that throws before its first wait', async () => {
    const { log, keyed } = aBench();

    keyed.start({ key: 'node 1', lane: 'east' }, neverAborted, () => {
      throw new TypeError('a bug');
    });
    await keyed.settled();

    expect(log.messages('error')).toEqual(['NodeLauncher node 1 failed']);
    expect(keyed.size).toBe(0);
  });

  test('shows each running task on the board, and none that waits or ended', async () => {
    const { clock, tasks, keyed, start } = aBench(1);
    start('node 1', 100);
    start('node 2', 0);
    await letWorkGoOn();

    expect(tasks.list().map(({ name }) => name)).toEqual(['NodeLauncher node 1']);
    await clock.advance(100);
    await letWorkGoOn();
    await clock.advance(1);
    await keyed.settled();

    expect(tasks.list()).toEqual([]);
  });

  test('starts nothing once the process stops, and ends what runs without a word', async () => {
    const { log, keyed, began, start } = aBench(1);
    const stop = new AbortController();
    start('running', 1e6, stop);
    start('waiting', 1e6, stop);
    await letWorkGoOn();

    stop.abort(new Error('Stopping'));
    await keyed.settled();

    expect(began).toEqual(['running']);
    expect(log.entries).toEqual([]);
    expect(start('late', 0, { signal: stop.signal })).toBe(false);
  });
});

describe('stop', () => {
  test('ends a running task and waits for its end, so that nobody works on the node any more', async () => {
    const { clock, keyed } = aBench();
    const ends: string[] = [];
    keyed.start({ key: 'node 1', lane: 'east' }, neverAborted, async (_task, signal) => {
      await clock.sleep(1e6, signal).catch(() => undefined);
      await clock.sleep(100);
      ends.push(String(signal.reason));
    });
    await letWorkGoOn();

    const stopped = keyed.stop('node 1', new Error('It is deleted'));
    await letWorkGoOn();
    expect(ends).toEqual([]);
    await clock.advance(100);
    await stopped;

    expect(ends).toEqual(['Error: It is deleted']);
    expect(keyed.has('node 1')).toBe(false);
  });

  test('does not wait for a task that has not had its turn: it never begins', async () => {
    const { clock, keyed, began, start } = aBench(1);
    start('running', 100);
    start('waiting', 0);
    await letWorkGoOn();

    await keyed.stop('waiting', new Error('It is deleted'));
    expect(keyed.has('waiting')).toBe(false);
    await clock.advance(100);
    await keyed.settled();

    expect(began).toEqual(['running']);
  });

  test('leaves the successor of a task that never had its turn alone', async () => {
    const { clock, keyed, began, start } = aBench(1);
    start('running', 100);
    start('node 1', 50);
    await letWorkGoOn();

    await keyed.stop('node 1', new Error('It is deleted'));
    expect(start('node 1', 50)).toBe(true);
    await clock.advance(100);
    await letWorkGoOn();
    expect(keyed.has('node 1')).toBe(true);
    await clock.advance(50);
    await keyed.settled();

    expect(began).toEqual(['running', 'node 1']);
  });

  test('of a key that nobody has does nothing', async () => {
    const { keyed } = aBench();

    await expect(keyed.stop('node 1', new Error('It is deleted'))).resolves.toBeUndefined();
  });
});
