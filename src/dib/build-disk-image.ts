import type { DiskImageConfig } from '../config/config.ts';
import { applyWhileBuilding } from '../image/apply-while-building.ts';
import { attemptOf, type BuildAnswer, type BuilderJobs, BuilderJobError } from '../image/builder-jobs.ts';
import type { DibImage, DibImageFacts } from '../image/dib-image.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import type { ImageFailures } from '../image/image-failures.ts';
import { nextFailure } from '../image/next-failure.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { DatabaseUnavailableError, describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Task } from '../runtime/task-board.ts';
import { askUntilAnswered } from './ask-until-answered.ts';
import { awaitBuilder, whileOffered } from './await-builder.ts';
import { DibEndedError, DibError } from './dib-errors.ts';

const HOUR_MS = 3_600_000;
/** A builder that restarts is back sooner. */
const OFFER_MS = HOUR_MS;
/** Builders work on one build at a time (upstream's default), and the cron asks for all images at once. */
const QUEUE_MS = 48 * HOUR_MS;
const RETRY = { firstMs: 30_000, maxMs: 4 * HOUR_MS };
const WHO = 'image-builder';

/** A row in state `building`, and the section that describes it. */
export type DiskImageBuild = {
  readonly row: DibImage;
  readonly diskimage: DiskImageConfig;
  /** Where builders put files; upstream's do not tell it. */
  readonly imagesDir: string | undefined;
};

export type DiskImageBuildDeps = {
  readonly builds: DibImageStore;
  readonly jobs: Pick<BuilderJobs, 'build' | 'offers'>;
  readonly imageFailures: ImageFailures;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly task: Task;
  readonly installationId: string;
};

/**
 * Has a builder make the files, and takes the row to `ready`. A build that an earlier process asked for is asked for again
 * under the same name, by which Gearman joins the two.
 * @throws {DibError} the row is in state `delete`, its failure stored
 * @throws {DatabaseUnavailableError} the row is as it was, for a later pass to go on: the files are made, or being made
 * @throws the signal's reason when aborted; the row is then left as it is
 */
export async function buildDiskImage(
  build: DiskImageBuild,
  deps: DiskImageBuildDeps,
  signal: AbortSignal,
): Promise<void> {
  const { row, diskimage } = build;
  crashPoint('dib-taken');
  try {
    const answer = await askBuilder(build, deps, signal);
    crashPoint('dib-reported');
    const why = `Builder ${answer.builder ?? 'of an unknown host'} has its files`;
    const facts = factsOf(build, answer);
    const ready = await applyWhileBuilding(row, { event: 'built', cause: { who: WHO, why }, facts }, deps.builds);
    if (ready === undefined) throw new DibEndedError(`Disk image ${row.id} was deleted while it was being built`);
    crashPoint('dib-ready');
    await deps.builds.clearFailure(diskimage.name);
    deps.log.info(`Disk image ${diskimage.name} is ready`, { build: row.id, builder: answer.builder ?? 'unknown' });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DatabaseUnavailableError) throw error;
    if (!(error instanceof DibEndedError)) throw await giveUp(build, error, deps);
    deps.log.info(error.message);
  }
}

async function askBuilder(
  { row, diskimage }: DiskImageBuild,
  deps: DiskImageBuildDeps,
  signal: AbortSignal,
): Promise<BuildAnswer> {
  const { name } = diskimage;
  const onWait = async (): Promise<void> => {
    deps.log.warn(`No builder offers disk image ${name} now; build ${row.id} waits for one`);
    await record(row, { step: 'wait-builder' }, deps);
  };
  const isOffered = ({ diskimages }: { readonly diskimages: ReadonlySet<string> }): boolean => diskimages.has(name);
  const what = `disk image ${name}`;
  const wait = { what, ms: OFFER_MS, isOffered, onWait };
  await awaitBuilder(wait, deps, signal);
  await record(row, { step: 'submitted' }, deps);
  crashPoint('dib-job-stored');
  deps.task.waitOn(`a builder to build ${name}`);
  const deadline = { what: `build ${row.id} of disk image ${name}`, ms: diskimage.buildTimeoutMs + QUEUE_MS };
  const request = { diskimage: name, dibImageId: row.id, attempt: attemptOf('build', row.id, deps.installationId) };
  crashPoint('dib-job-sent');
  const { answer } = await withDeadline(deadline, { clock: deps.clock, signal }, (until) =>
    askUntilAnswered(
      wait,
      () => whileOffered(wait, (inner) => deps.jobs.build(request, inner), { ...deps, signal: until }),
      { ...deps, signal: until },
    ),
  );
  return answer;
}

/** @throws {DibEndedError} someone deleted the row meanwhile */
async function record({ id }: DibImage, facts: DibImageFacts, { builds }: DiskImageBuildDeps): Promise<void> {
  const now = await builds.record(id, facts);
  if (now?.state !== 'building') throw new DibEndedError(`Disk image ${id} was deleted while it was being built`);
}

function factsOf({ row, imagesDir }: DiskImageBuild, answer: BuildAnswer): DibImageFacts {
  const inFolder = imagesDir === undefined ? undefined : `${imagesDir.replace(/\/+$/, '')}/${row.id}`;
  return definedOnly({
    builder: answer.builder,
    filename: answer.filename ?? inFolder,
    formats: answer.formats,
  });
}

async function giveUp({ row, diskimage }: DiskImageBuild, error: unknown, deps: DiskImageBuildDeps): Promise<DibError> {
  const why = describeError(error);
  const { name } = diskimage;
  const earlier = (await deps.builds.listFailures()).find((failure) => failure.diskimage === name);
  const failure = nextFailure(earlier, why, { ...deps, backoff: RETRY });
  await deps.builds.saveFailure({ diskimage: name, ...failure });
  crashPoint('dib-failure-stored');
  // A builder that says so has removed what it made; one that was lost may have files, or make them yet.
  const isOver = error instanceof DibError || (error instanceof BuilderJobError && error.kind === 'failed');
  const facts = { lastError: why, ...(isOver && { step: null }) };
  const ended = await applyWhileBuilding(row, { event: 'failed', cause: { who: WHO, why }, facts }, deps.builds);
  const { failures } = failure;
  if (ended !== undefined) deps.imageFailures.tell({ kind: 'build', image: name, id: row.id, reason: why, failures });
  return new DibError(`Cannot build disk image ${name}: ${why}`, { cause: error });
}
