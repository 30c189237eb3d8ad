import { describe, expect, onTestFinished, test } from 'vitest';
import { withDeadline } from '../../src/runtime/clock.ts';
import { type ControlLoop, runControlLoop } from '../../src/runtime/control-loop.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { Wakeup } from '../../src/runtime/wakeup.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { passTime } from '../pool/pass-time.ts';

type Bench = {
  readonly clock: FakeClock;
  readonly log: RecordingLogger;
  readonly tasks: TaskBoard;
  readonly wakeup: Wakeup;
  readonly stop: AbortController;
  /** Times of the passes since the start. */
  readonly passes: number[];
  /** Starts the loop; it is stopped when the test ends. */
  readonly start: (options?: Partial<ControlLoop>) => Promise<void>;
};

function aBench(): Bench {
  const clock = new FakeClock();
  const startMs = clock.monotonicMs();
  const log = new RecordingLogger();
  const tasks = new TaskBoard(clock);
  const wakeup = new Wakeup(clock);
  const stop = new AbortController();
  const passes: number[] = [];
  const start = (options: Partial<ControlLoop> = {}): Promise<void> => {
    const { pass = (): Promise<void> => Promise.resolve(), ...rest } = options;
    const counted = async (signal: AbortSignal): Promise<void> => {
      passes.push(clock.monotonicMs() - startMs);
      await pass(signal);
    };
    const loop = { name: 'demand', intervalMs: 10_000, wakeup, ...rest, pass: counted };
    const ended = runControlLoop(loop, { clock, log, tasks }, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await ended;
    });
    return ended;
  };
  return { clock, log, tasks, wakeup, stop, passes, start };
}

describe('a control loop', () => {
  test('runs a pass at once, and then after each interval', async () => {
    const { clock, passes, start } = aBench();

    void start();
    await passTime(clock, 25_000, 1_000);

    expect(passes).toEqual([0, 10_000, 20_000]);
  });

  test('asks for the interval after each pass, where it depends on what the pass found', async () => {
    const { clock, passes, start } = aBench();
    const intervals = [1_000, 5_000, 100_000];

    void start({ intervalMs: () => intervals.shift() ?? 0 });
    await passTime(clock, 20_000, 1_000);

    expect(passes).toEqual([0, 1_000, 6_000]);
  });

  test('runs at once when it is woken', async () => {
    const { clock, wakeup, passes, start } = aBench();
    void start();
    await passTime(clock, 3_000, 1_000);

    wakeup.wake();
    await passTime(clock, 1_000);

    expect(passes).toEqual([0, 3_000]);
  });

  test('gathers the wake-ups of a moment into one pass', async () => {
    const { clock, wakeup, passes, start } = aBench();
    void start({ debounceMs: 100 });
    await passTime(clock, 3_000, 1_000);

    for (let n = 0; n < 5; n += 1) {
      wakeup.wake();
      await passTime(clock, 10, 10);
    }
    await passTime(clock, 1_000);

    expect(passes[1]).toBe(3_100);
    expect(passes).toHaveLength(3); // those that came while it gathered are one more wake-up
  });

  test('looks again when it was woken during its pass, for the pass may have looked before the change', async () => {
    const { clock, wakeup, passes, start } = aBench();
    let isFirst = true;

    void start({
      pass: () => {
        if (isFirst) wakeup.wake();
        isFirst = false;
        return Promise.resolve();
      },
    });
    await passTime(clock, 500);

    expect(passes).toEqual([0, 0]);
  });

  test.each<[string, () => Promise<void>]>([
    ['fails', () => Promise.reject(new Error('Nova is away'))],
    [
      'throws before its first wait',
      () => {
        throw new TypeError('Cannot read properties of undefined');
      },
    ],
  ])('goes on after a pass that %s, and says so', async (_, pass) => {
    const { clock, log, passes, start } = aBench();

    void start({ pass });
    await passTime(clock, 10_000, 1_000);

    expect(passes.slice(0, 2)).toEqual([0, 500]);
    expect(log.messages('error')).toEqual(['Pass of loop demand failed']);
    expect(log.entries[0]?.facts['error']).toBeInstanceOf(Error);
  });

  test('while its passes fail it tries more and more seldom, whatever wakes it, and says so once a minute', async () => {
    const { clock, log, wakeup, passes, start } = aBench();

    void start({
      intervalMs: 0,
      pass: () => {
        wakeup.wake();
        return Promise.reject(new Error('Postgres is away'));
      },
    });
    await passTime(clock, 70_000, 500);

    expect(passes.slice(0, 7)).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 25_500]);
    expect(log.messages('error')).toEqual([
      'Pass of loop demand failed',
      'Pass of loop demand failed (11 times in a row)',
    ]);
  });

  test('says when its passes work again', async () => {
    const { clock, log, start } = aBench();
    let failures = 2;

    void start({ pass: () => (failures-- > 0 ? Promise.reject(new Error('Postgres is away')) : Promise.resolve()) });
    await passTime(clock, 5_000, 500);

    expect(log.messages('info')).toEqual(['Loop demand works again after 2 failed tries']);
  });

  test('goes on after a pass that ran into its deadline', async () => {
    const { clock, log, passes, start } = aBench();

    void start({
      pass: (signal) =>
        withDeadline({ what: 'gearmand', ms: 2_000 }, { clock, signal }, () => new Promise(() => undefined)),
    });
    await passTime(clock, 13_000, 1_000);

    expect(passes.slice(0, 2)).toEqual([0, 2_500]);
    expect(log.entries[0]?.facts['error']).toMatchObject({ message: 'Timeout waiting for gearmand (2 s)' });
  });

  test('ends quietly when it is aborted while it waits', async () => {
    const { clock, log, stop, tasks, passes, start } = aBench();
    const ended = start({ debounceMs: 100 });
    await clock.untilSleeping();

    stop.abort(new Error('Stopping'));
    await ended;

    expect(passes).toEqual([0]);
    expect(log.entries).toEqual([]);
    expect(tasks.list()).toEqual([]);
  });

  test('ends quietly when its pass is cut off', async () => {
    const { clock, log, stop, start } = aBench();
    const ended = start({ pass: (signal) => clock.sleep(1e6, signal) });
    await clock.untilSleeping();

    stop.abort(new Error('Stopping'));
    await ended;

    expect(log.entries).toEqual([]);
  });

  test('tells on the task board what it waits on', async () => {
    const { clock, tasks, start } = aBench();

    void start();
    await clock.untilSleeping();

    expect(tasks.list()).toMatchObject([{ name: 'Loop demand', waitsOn: 'a wake-up, or 10000 ms' }]);
  });
});
