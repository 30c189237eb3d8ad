import type { SnapshotImage } from '../../src/image/snapshot-image.ts';

/** A ready image `trusty` of `fake-provider`; its cloud id is `image-ID`. */
export function anImage(facts: Partial<SnapshotImage> = {}): SnapshotImage {
  const id = facts.id ?? 1;
  return {
    id,
    rowVersion: 1,
    provider: 'fake-provider',
    image: 'trusty',
    state: 'ready',
    stateChangedAt: new Date('2026-01-01T00:00:00Z'),
    version: 1_450_000_000 + id,
    externalId: `image-${id}`,
    ...facts,
  };
}
