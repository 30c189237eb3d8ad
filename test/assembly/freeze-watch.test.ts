import { expect, test } from 'vitest';
import { FreezeWatch } from '../../src/assembly/freeze-watch.ts';
import { MemoryFreezeStore } from '../fakes/memory-freeze-store.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

test('a freeze and its end are told once each, and only the end lets everything begin anew', async () => {
  const store = new MemoryFreezeStore();
  const log = new RecordingLogger();
  const watch = new FreezeWatch(store, log);
  const polls: string[] = [];
  const poll = async (): Promise<void> => {
    polls.push(`${await watch.poll()}, frozen ${watch.isFrozen}`);
  };

  await poll();
  await store.freeze({ who: 'cli:ada', why: 'the cloud is sick' });
  await poll();
  await poll();
  await store.thaw();
  await poll();

  expect(polls).toEqual([
    'unchanged, frozen false',
    'unchanged, frozen true',
    'unchanged, frozen true',
    'thawed, frozen false',
  ]);
  expect(log.messages('warn')).toHaveLength(1);
  expect(log.entries[0]?.facts).toMatchObject({ who: 'cli:ada', why: 'the cloud is sick' });
  expect(log.messages('info')).toEqual(['The farm is no longer frozen']);
});
