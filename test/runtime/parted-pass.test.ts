import { expect, test } from 'vitest';
import { PartedPass } from '../../src/runtime/parted-pass.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { letWorkGoOn } from '../pool/pass-time.ts';

function aBench() {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const tasks = new TaskBoard(clock);
  const parts = new PartedPass('Look at', { clock, log, tasks });
  const passes: string[] = [];
  /** A part that takes `ms`. */
  const part = (name: string, ms: number) => ({
    name,
    pass: async (signal: AbortSignal) => {
      if (ms > 0) await clock.sleep(ms, signal);
      passes.push(name);
    },
  });
  return { clock, log, tasks, parts, passes, part };
}

test('a pass ends with its parts, which go side by side', async () => {
  const { clock, parts, passes, part } = aBench();

  const pass = parts.run([part('ci-1', 300), part('ci-2', 200)], neverAborted);
  await letWorkGoOn();
  await clock.advance(300);
  await pass;

  expect(passes).toEqual(['ci-2', 'ci-1']);
  expect(clock.sleeping).toBe(0);
});

test('a part whose peer hangs does not hold up the pass for longer than 5 s, nor any other part', async () => {
  const { clock, tasks, parts, passes, part } = aBench();

  const first = parts.run([part('ci-1', 30_000), part('ci-2', 0)], neverAborted);
  await clock.advance(5_000);
  await first;
  const second = parts.run([part('ci-1', 30_000), part('ci-2', 0)], neverAborted);
  await clock.advance(5_000);
  await second;

  expect(passes).toEqual(['ci-2', 'ci-2']);
  expect(tasks.list().map(({ name }) => name)).toEqual(['Look at ci-1']);
});

test('a part that is asked for while it is under way passes once more after that, so that no wake-up is lost', async () => {
  const { clock, parts, passes, part } = aBench();

  for (let n = 0; n < 3; n += 1) void parts.run([part('ci-1', 20_000)], neverAborted);
  await letWorkGoOn();
  await clock.advance(100_000);
  await parts.settled();

  expect(passes).toEqual(['ci-1', 'ci-1']);
});

test('a part that fails is told once a minute, and does not end the pass of the others', async () => {
  const { clock, log, parts, passes, part } = aBench();
  const failing = { name: 'ci-1', pass: () => Promise.reject(new Error('503')) };

  for (let n = 0; n < 13; n += 1) {
    await parts.run([failing, part('ci-2', 0)], neverAborted);
    await clock.advance(10_000);
  }
  await parts.run([part('ci-1', 0)], neverAborted);

  expect(log.messages('error')).toEqual([
    'Look at ci-1 failed',
    'Look at ci-1 failed (7 times in a row)',
    'Look at ci-1 failed (13 times in a row)',
  ]);
  expect(log.messages('info')).toEqual(['Look at ci-1 works again after 13 failed tries']);
  expect(passes.filter((name) => name === 'ci-2')).toHaveLength(13);
});

test('all parts end when the program stops', async () => {
  const { log, tasks, parts, part } = aBench();
  const stop = new AbortController();

  const pass = parts.run([part('ci-1', 1e9)], stop.signal);
  await letWorkGoOn();
  stop.abort(new Error('Stopping'));

  await expect(pass).rejects.toThrow('Stopping');
  await parts.settled();
  expect(tasks.list()).toEqual([]);
  expect(log.entries).toEqual([]);
});
