import { expect, test } from 'vitest';
import { removeBuild } from '../../src/dib/remove-build.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { aDibImage } from '../builders/a-dib-image.ts';
import { untilAborted } from '../fakes/call-fates.ts';
import { FakeBuilderJobs } from '../fakes/fake-builder-jobs.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { MemoryDibImageStore } from '../fakes/memory-dib-image-store.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

test('a removal whose files went for another daemon is let go after a minute, and the next step removes the row', async () => {
  const clock = new FakeClock();
  const row = aDibImage({ state: 'delete', stateChangedAt: clock.now() });
  const builds = new MemoryDibImageStore([row], { clock });
  const jobs = new FakeBuilderJobs([]);
  jobs.files.add(row.id);
  jobs.places.add('builder-1:/images');
  jobs.remove = (_, signal) => untilAborted(new Promise<never>(() => undefined), signal); // Gearman has nobody for it
  const task = new TaskBoard(clock).start('a removal');
  const deps = { builds, jobs, clock, log: new RecordingLogger(), task };
  const removal = removeBuild(row, deps, neverAborted);
  removal.catch(() => undefined); // awaited below
  await clock.untilSleeping();

  jobs.files.clear();
  await clock.advance(60_000);

  await expect(removal).rejects.toThrow('The builder was lost: nobody offers the files of build 1 any more');
  expect(await removeBuild(row, deps, neverAborted)).toBe('gone');
  expect(builds.all()).toEqual([]);
});
