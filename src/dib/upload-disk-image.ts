import type { ProviderConfig, ProviderImageConfig } from '../config/config.ts';
import { renderTemplate } from '../config/name-template.ts';
import { applyWhileBuilding } from '../image/apply-while-building.ts';
import { attemptOf, type BuilderJobs } from '../image/builder-jobs.ts';
import { failureOfImage, type ImageFailures } from '../image/image-failures.ts';
import { storeImageFailure } from '../image/store-image-failure.ts';
import type { ImageStore } from '../image/image-store.ts';
import { beginSmokeTest } from '../image/settle-smoke-test.ts';
import type { SnapshotImage, SnapshotImageFacts } from '../image/snapshot-image.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { uploadProperties } from '../provider/upload-owner.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import { DatabaseUnavailableError, describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Task } from '../runtime/task-board.ts';
import { askUntilAnswered } from './ask-until-answered.ts';
import { awaitBuilder, whileOffered } from './await-builder.ts';
import { DibEndedError, DibError } from './dib-errors.ts';
import { findUploadsOf } from './find-uploads.ts';

const MINUTE_MS = 60_000;
/** A builder that restarts is back sooner. */
const OFFER_MS = 10 * MINUTE_MS;
/** An upload may take six hours, and others stand in line before it. */
const UPLOAD_MS = 54 * 60 * MINUTE_MS;
const WHO = 'image-uploader';

/** A row of a build, in state `building`. */
export type UploadRow = SnapshotImage & { readonly dibImageId: number };

/** An upload, and the sections that describe it. */
export type DiskImageUpload = {
  readonly row: UploadRow;
  readonly provider: ProviderConfig;
  readonly image: ProviderImageConfig;
};

export type DiskImageUploadDeps = {
  readonly images: ImageStore;
  readonly cloud: CloudProvider;
  readonly jobs: Pick<BuilderJobs, 'upload' | 'offers'>;
  readonly imageFailures: ImageFailures;
  readonly metrics: Pick<NodeMetrics, 'imageUpdated'>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly task: Task;
  readonly installationId: string;
};

/**
 * Has the builder with the files upload them, and takes the row to `ready`, or to its smoke test where the section asks for
 * one. An upload that an earlier process asked for is asked for again under the same name, by which Gearman joins the two;
 * where it began anew, the half image goes.
 * @throws {DibError} the row is in state `delete`, its failure stored
 * @throws {DatabaseUnavailableError} the row is as it was, for a later pass to go on
 * @throws the signal's reason when aborted; the row is then left as it is
 */
export async function uploadDiskImage(
  upload: DiskImageUpload,
  deps: DiskImageUploadDeps,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  const { row, provider, image } = upload;
  crashPoint('upload-taken');
  try {
    const { externalId, mayHaveHalves } = await askBuilder(upload, deps, signal);
    crashPoint('upload-reported');
    await storeWhole({ row, externalId, isTested: image.smokeTest }, deps, signal);
    crashPoint('upload-ready');
    if (!image.smokeTest) {
      await deps.images.clearFailure(provider.name, image.name);
      const ms = deps.clock.monotonicMs() - startedMs;
      deps.metrics.imageUpdated({ provider: provider.name, image: image.name, ms });
      deps.log.info(`Image ${image.name} in ${provider.name} is ready`, { image: row.id, build: row.dibImageId });
    }
    if (mayHaveHalves) await removeHalves({ row, externalId }, deps, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DatabaseUnavailableError) throw error;
    if (!(error instanceof DibEndedError)) throw await giveUp(upload, error, deps);
    deps.log.info(error.message);
  }
}

type Answer = {
  /** The image's. */
  readonly externalId: string;
  /** Whether there was another try, by this process or an earlier one. */
  readonly mayHaveHalves: boolean;
};

async function askBuilder(upload: DiskImageUpload, deps: DiskImageUploadDeps, signal: AbortSignal): Promise<Answer> {
  const { row, provider, image } = upload;
  const cloudName = row.hostname ?? nameOf(upload);
  const onWait = async (): Promise<void> => {
    deps.log.warn(`No builder offers the files of build ${row.dibImageId} now; upload ${row.id} waits for one`);
    await record(row, { step: 'wait-builder' }, deps);
  };
  const wait = {
    onWait,
    what: `the files of build ${row.dibImageId}`,
    ms: OFFER_MS,
    isOffered: ({ dibImageIds }: { readonly dibImageIds: ReadonlySet<number> }) => dibImageIds.has(row.dibImageId),
  };
  await awaitBuilder(wait, deps, signal);
  // From now on there may be an image.
  await record(row, { hostname: cloudName, step: 'upload' }, deps);
  crashPoint('upload-named');
  deps.task.waitOn(`a builder to upload ${cloudName}`);
  const owner = { provider: provider.name, image: image.name, buildId: row.dibImageId, uploadId: row.id };
  const ids = {
    installation: deps.installationId,
    ...(provider.nodepoolId !== undefined && { nodepoolId: provider.nodepoolId }),
  };
  const request = {
    ...{ dibImageId: row.dibImageId, provider: provider.name, image: image.name, cloudName },
    properties: uploadProperties({ ...owner, ...ids }),
    attempt: attemptOf('upload', row.id, deps.installationId),
  };
  const deadline = { what: `upload ${row.id} of image ${image.name} to ${provider.name}`, ms: UPLOAD_MS };
  crashPoint('upload-job-sent');
  const { answer, tries } = await withDeadline(deadline, { clock: deps.clock, signal }, (until) =>
    askUntilAnswered(
      wait,
      () => whileOffered(wait, (inner) => deps.jobs.upload(request, inner), { ...deps, signal: until }),
      { ...deps, signal: until },
    ),
  );
  return { externalId: answer.externalId, mayHaveHalves: row.hostname !== undefined || tries > 1 };
}

/** @throws {DibEndedError} someone deleted the row meanwhile */
async function record(row: UploadRow, facts: SnapshotImageFacts, { images }: DiskImageUploadDeps): Promise<void> {
  const now = await images.record(row.id, facts);
  if (now?.state !== 'building') throw ended(row);
}

function nameOf({ row, provider, image }: DiskImageUpload): string {
  return renderTemplate(provider.templateHostname, {
    'image.name': image.name,
    'image.id': row.id,
    'provider.name': provider.name,
    'provider.region_name': provider.cloud.regionName ?? '',
    timestamp: row.version ?? 0,
  });
}

type Uploaded = { readonly row: UploadRow; readonly externalId: string };

async function storeWhole(
  { row, externalId, isTested }: Uploaded & { readonly isTested: boolean },
  deps: DiskImageUploadDeps,
  signal: AbortSignal,
): Promise<void> {
  const cause = { who: WHO, why: `Build ${row.dibImageId} is active in the cloud` };
  const change = { event: 'built', cause, facts: { externalId } } as const;
  const stored = isTested
    ? await beginSmokeTest(row, { externalId }, deps)
    : await applyWhileBuilding(row, change, deps.images);
  if (stored !== undefined) return;
  await deps.cloud.deleteImage(externalId, signal); // nobody else may know this image
  throw ended(row);
}

/** An upload that a crash cut off may look whole: only the image that the builder named is. */
async function removeHalves(
  { row, externalId }: Uploaded,
  deps: DiskImageUploadDeps,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const { id } of await findUploadsOf(row, deps, signal)) {
      if (id !== externalId) await deps.cloud.deleteImage(id, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    deps.log.warn(`What an earlier try of upload ${row.id} left is removed with other leaks`, { error });
  }
}

function ended({ id }: UploadRow): DibEndedError {
  return new DibEndedError(`Image ${id} was deleted while it was being uploaded`);
}

async function giveUp(
  { row, provider, image }: DiskImageUpload,
  error: unknown,
  deps: DiskImageUploadDeps,
): Promise<DibError> {
  const why = describeError(error);
  const failures = await storeImageFailure(row, why, deps);
  crashPoint('upload-failure-stored');
  const change = { event: 'failed', cause: { who: WHO, why }, facts: { lastError: why } } as const;
  const ended = await applyWhileBuilding(row, change, deps.images);
  if (ended !== undefined) deps.imageFailures.tell(failureOfImage(row, { reason: why, failures }));
  return new DibError(`Cannot upload image ${image.name} to ${provider.name}: ${why}`, { cause: error });
}
