import type { BuildStep, SnapshotImage, SnapshotImageFacts } from '../image/snapshot-image.ts';
import { BuildEndedError, type BuildDeps } from './build.ts';

/**
 * Stores facts of a build and reads the row back.
 * @throws {BuildEndedError} someone deleted the image meanwhile
 */
export async function recordBuild(
  row: SnapshotImage,
  facts: SnapshotImageFacts,
  deps: BuildDeps,
): Promise<SnapshotImage> {
  const now = await deps.images.record(row.id, facts);
  if (now?.state !== 'building') throw new BuildEndedError(`Image ${row.id} was deleted while it was being built`);
  return now;
}

export async function beginStep(row: SnapshotImage, step: BuildStep, deps: BuildDeps): Promise<SnapshotImage> {
  return await recordBuild(row, { step }, deps);
}
