import type { BuilderJobs } from '../image/builder-jobs.ts';
import { buildName, type DibImage } from '../image/dib-image.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';

/** A builder that has files and does not come back within this is gone, with its disk. */
const LOST_MS = 3_600_000;

export type RemoveBuildDeps = {
  readonly builds: DibImageStore;
  readonly jobs: Pick<BuilderJobs, 'remove' | 'offers'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly task: Task;
};

/**
 * One step towards a build in state `delete` being gone: its files first, then the row. Safe to repeat.
 * @throws {BuilderJobError} a builder cannot remove them
 */
export async function removeBuild(
  row: DibImage,
  deps: RemoveBuildDeps,
  signal: AbortSignal,
): Promise<'gone' | 'waiting'> {
  const { jobs, task, log } = deps;
  task.waitOn('builders, for what they have');
  const before = await jobs.offers(signal);
  const wasThere = before?.dibImageIds.has(row.id) === true;
  if (wasThere) {
    task.waitOn(`a builder to remove the files of ${buildName(row)}`);
    await jobs.remove(row.id, signal);
    // Another builder may have some too, where a job was done twice.
    if ((await jobs.offers(signal))?.dibImageIds.has(row.id) === true) return 'waiting';
  } else if (mayHaveFiles(row)) {
    const waitedMs = deps.clock.now().getTime() - row.stateChangedAt.getTime();
    if (waitedMs < LOST_MS) return 'waiting';
    if (row.filename !== undefined) {
      log.warn(`No builder has had the files of ${buildName(row)} for an hour (${row.filename}): its row goes`);
    }
  }
  const why = wasThere ? 'Its files are gone' : 'No builder has files of it';
  await deps.builds.remove(row, { who: 'image-deleter', why });
  log.info(`Deleted disk image id: ${row.id}`, { diskimage: row.diskimage });
  return 'gone';
}

/** A build whose end nobody told may go on, and then its builder has files all of a sudden. */
function mayHaveFiles({ filename, step }: DibImage): boolean {
  return filename !== undefined || step === 'submitted';
}
