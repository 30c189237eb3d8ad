import { expect, test } from 'vitest';
import { dumpTasks } from '../../src/assembly/stack-dump.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

test('the dump is one DEBUG record of upstream’s logger: a Thread line for each task, what it waits on and since when', async () => {
  const clock = new FakeClock();
  const tasks = new TaskBoard(clock);
  const log = new RecordingLogger();
  const launch = tasks.start('NodeLauncher node 12');
  tasks.start('Loop demand');
  launch.waitOn('ssh of 192.0.2.7');
  await clock.advance(12_340);

  dumpTasks({ tasks, clock, log });

  expect(log.entries).toHaveLength(1);
  expect(log.entries[0]).toMatchObject({ level: 'debug', name: 'nodepool.stack_dump' });
  expect(log.entries[0]?.message).toMatch(
    new RegExp(
      [
        '^2 tasks',
        'Thread: NodeLauncher node 12 [(]1[)]',
        '  waits on ssh of 192.0.2.7 for 12.3 s, started 2026-01-01T00:00:00.000Z',
        'Thread: Loop demand [(]2[)]',
        '  runs for 12.3 s, started 2026-01-01T00:00:00.000Z',
        'Thread: MainThread [(]0[)]',
      ].join('\n'),
    ),
  );
});
