import { type BuilderJobs, type BuilderOffers, placeOfFiles } from '../image/builder-jobs.ts';
import { buildName, type DibImage } from '../image/dib-image.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import { whileOffered } from './await-builder.ts';

/** A builder that has files and does not come back within this is gone, with its disk. */
const LOST_MS = 3_600_000;
/** A removal for which nobody is there any more was done for another daemon, mostly. */
const REMOVAL_LOST_MS = 60_000;
/** What builders offer is some seconds old. */
const NEWS_MS = 10_000;

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
 * @throws {DibError} no builder has them any more: a later step finds the row without files
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
    crashPoint('dib-removal-sent');
    await askToRemove(row, deps, signal);
    crashPoint('dib-files-gone');
    // Another builder may have some too, where a job was done twice.
    if ((await jobs.offers(signal))?.dibImageIds.has(row.id) === true) return 'waiting';
  } else if (mayHaveFiles(row)) {
    const waitedMs = deps.clock.now().getTime() - row.stateChangedAt.getTime();
    const isGone = isRemoved(row, before);
    if (waitedMs < (isGone ? NEWS_MS : LOST_MS)) return 'waiting';
    if (!isGone) tellLoss(row, log);
  }
  const why = wasThere ? 'Its files are gone' : 'No builder has files of it';
  await deps.builds.remove(row, { who: 'image-deleter', why });
  crashPoint('dib-removed');
  log.info(`Deleted disk image id: ${row.id}`, { diskimage: row.diskimage });
  return 'gone';
}

function tellLoss(row: DibImage, log: Logger): void {
  if (row.filename === undefined) return;
  log.warn(`No builder has had the files of ${buildName(row)} for an hour (${row.filename}): its row goes`);
}

/** @throws {DibError} its builder withdrew the files before it had this job */
async function askToRemove(row: DibImage, { jobs, clock }: RemoveBuildDeps, signal: AbortSignal): Promise<void> {
  const wait = {
    what: `the files of build ${row.id}`,
    isOffered: ({ dibImageIds }: BuilderOffers) => dibImageIds.has(row.id),
    lostMs: REMOVAL_LOST_MS,
  };
  await whileOffered(wait, (inner) => jobs.remove(row.id, inner), { jobs, clock, signal });
}

/** Whether the builder that had the files is there, and offers them no more: a removal of which we never heard the end. */
function isRemoved({ builder, filename }: DibImage, offers: BuilderOffers | undefined): boolean {
  if (builder === undefined || filename === undefined) return false;
  return offers?.places.has(placeOfFiles({ builder, imagesDir: filename.replace(/\/[^/]*$/, '') })) === true;
}

/** A build whose end nobody told may go on, and then its builder has files all of a sudden. */
function mayHaveFiles({ filename, step }: DibImage): boolean {
  return filename !== undefined || step === 'submitted';
}
