import { expect, test } from 'vitest';
import { TargetWatch } from '../../src/assembly/target-watch.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { Wakeup } from '../../src/runtime/wakeup.ts';
import { FakeAgents } from '../fakes/fake-agents.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

function aWatch(): { readonly watch: TargetWatch; readonly log: RecordingLogger } {
  const log = new RecordingLogger();
  const clock = new FakeClock();
  return { watch: new TargetWatch({ clock, log, tasks: new TaskBoard(clock) }, new Wakeup(clock)), log };
}

test('a target takes nodes once its Jenkins said so, and none after it says no', async () => {
  const { watch } = aWatch();
  const jenkins = new FakeAgents({ target: 'jenkins1' });
  expect(watch.isOnline('jenkins1', true)).toBe(false);

  await watch.poll([jenkins], neverAborted);
  expect(watch.isOnline('jenkins1', true)).toBe(true);

  jenkins.online = false;
  await watch.poll([jenkins], neverAborted);
  expect(watch.isOnline('jenkins1', true)).toBe(false);
});

test('a target without Jenkins always takes nodes', () => {
  expect(aWatch().watch.isOnline('zuul', false)).toBe(true);
});

test('only changes are logged, in upstream’s words', async () => {
  const { watch, log } = aWatch();
  const jenkins = new FakeAgents({ target: 'jenkins1' });

  for (const online of [true, true, false, false, true]) {
    jenkins.online = online;
    await watch.poll([jenkins], neverAborted);
  }

  expect(log.entries.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'info Target jenkins1 is online',
    'warn Target jenkins1 is offline',
    'info Target jenkins1 is online',
  ]);
});

test('a target that left the configuration is forgotten', async () => {
  const { watch } = aWatch();
  await watch.poll([new FakeAgents({ target: 'jenkins1' })], neverAborted);

  await watch.poll([], neverAborted);

  expect(watch.isOnline('jenkins1', true)).toBe(false);
});
