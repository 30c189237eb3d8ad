import type { DibImage } from '../../src/image/dib-image.ts';

/** A ready build of disk image `dib-trusty`, as qcow2. */
export function aDibImage(facts: Partial<DibImage> = {}): DibImage {
  const id = facts.id ?? 1;
  return {
    id,
    rowVersion: 1,
    diskimage: 'dib-trusty',
    state: 'ready',
    stateChangedAt: new Date('2026-01-01T00:00:00Z'),
    version: 1_450_000_000 + id,
    filename: `/images/${id}`,
    builder: 'builder-1',
    formats: ['qcow2'],
    withdrawnFrom: [],
    ...facts,
  };
}
