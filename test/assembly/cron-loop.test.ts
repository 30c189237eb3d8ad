import { expect, test } from 'vitest';
import { runCronLoop } from '../../src/assembly/cron-loop.ts';
import { parseCronSchedule } from '../../src/config/cron-schedule.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

/** A loop on a fake clock, with the local times at which its passes began. */
class CronBench {
  readonly clock: FakeClock;
  readonly log = new RecordingLogger();
  readonly tasks: TaskBoard;
  readonly passes: string[] = [];
  readonly stop = new AbortController();
  source: string;
  /** What each pass does. */
  work: () => Promise<void> = () => Promise.resolve();
  readonly ended: Promise<void>;

  constructor(source: string, start: Date) {
    this.source = source;
    this.clock = new FakeClock(start);
    this.tasks = new TaskBoard(this.clock);
    this.ended = runCronLoop(
      {
        name: 'cleanup',
        schedule: () => parseCronSchedule(this.source),
        pass: async () => {
          this.passes.push(this.clock.now().toTimeString().slice(0, 8));
          await this.work();
        },
      },
      this,
      this.stop.signal,
    );
  }

  /** Second by second: timers that are made on the way are kept. */
  async run(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) await this.clock.advance(1000);
  }
}

const NOON = new Date(2026, 0, 5, 12, 0, 30); // local time, a Monday

test('each minute means once a minute, at its beginning', async () => {
  const bench = new CronBench('* * * * *', NOON);

  await bench.run(150);

  expect(bench.passes).toEqual(['12:01:00', '12:02:00', '12:03:00']);
});

test('the sixth field is the second, as APScheduler has it', async () => {
  const bench = new CronBench('* * * * * */20', NOON);

  await bench.run(60);

  expect(bench.passes).toEqual(['12:00:40', '12:01:00', '12:01:20']);
});

test('a time that comes while a pass runs is skipped', async () => {
  const bench = new CronBench('* * * * *', NOON);
  bench.work = () => bench.clock.sleep(90_000);

  await bench.run(240);

  expect(bench.passes).toEqual(['12:01:00', '12:03:00']);
});

test('a timer that ends a moment early does not make its time come twice', async () => {
  const bench = new CronBench('* * * * *', NOON);
  const sleep = bench.clock.sleep.bind(bench.clock);
  bench.clock.sleep = (ms, signal) => sleep(ms > 5 ? ms - 5 : ms, signal);

  await bench.run(150);

  expect(bench.passes).toHaveLength(3);
});

test('a schedule that changes is noticed within ten seconds, without a restart', async () => {
  const bench = new CronBench('0 3 * * *', NOON);
  await bench.run(15);

  bench.source = '* * * * *';
  await bench.run(20);

  expect(bench.passes).toEqual(['12:01:00']);
});

test('a pass that fails is logged, and the next one comes', async () => {
  const bench = new CronBench('* * * * *', NOON);
  bench.work = () => Promise.reject(new Error('The cloud is away'));

  await bench.run(100);

  expect(bench.passes).toHaveLength(2);
  expect(bench.log.messages('error')).toEqual(['Pass of cron cleanup failed', 'Pass of cron cleanup failed']);
});

test('what it waits on is on the task board, and a stop ends it', async () => {
  const bench = new CronBench('14 2 * * *', NOON);
  await bench.run(1);
  expect(bench.tasks.list()).toMatchObject([{ name: 'Cron cleanup', waitsOn: 'the next time of "14 2 * * *"' }]);

  bench.stop.abort(new Error('Stopped'));
  await bench.ended;

  expect(bench.passes).toEqual([]);
  expect(bench.tasks.list()).toEqual([]);
});
