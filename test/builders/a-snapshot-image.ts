import type { SnapshotImage } from '../../src/image/snapshot-image.ts';

/** A row of table snapshot_image: ready and without anything in the cloud, unless told otherwise. */
export function aSnapshotImage(facts: Partial<SnapshotImage> = {}): SnapshotImage {
  return {
    id: 1,
    rowVersion: 1,
    provider: 'fake-provider',
    image: 'trusty',
    state: 'ready',
    stateChangedAt: new Date('2026-01-01T00:00:00Z'),
    version: 1_767_225_600,
    ...facts,
  };
}
