import { describe, expect, test } from 'vitest';
import {
  isMissing,
  type KnownImages,
  newestFirst,
  newVersion,
  supersededImages,
  unconfiguredImages,
  wantedSnapshots,
} from '../../src/image/image-rules.ts';
import { IMAGE_LIFECYCLE, type ImageEvent, type ImageState, nextImageState } from '../../src/image/lifecycle.ts';
import type { BuildFailure } from '../../src/image/snapshot-image.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { aSnapshotImage } from '../builders/a-snapshot-image.ts';
import { aLabelSection, anImageSection, aProviderSection, configOf, firstImageOf } from '../builders/config-of.ts';

const NOW = new Date('2026-01-01T12:00:00Z');

describe('the life of an image', () => {
  test.each<[ImageState, ImageEvent, ImageState | undefined]>([
    ['building', 'built', 'ready'],
    ['building', 'failed', 'delete'],
    ['building', 'deleted', 'delete'],
    ['building', 'superseded', undefined],
    ['ready', 'built', undefined],
    ['ready', 'failed', undefined],
    ['ready', 'deleted', 'delete'],
    ['ready', 'superseded', 'delete'],
    ['delete', 'built', undefined],
    ['delete', 'deleted', undefined],
  ])('in state %s, %s leads to %s', (state, event, next) => {
    expect(nextImageState(state, event)).toBe(next);
  });

  test('has the three states that upstream stores', () => {
    expect(Object.keys(IMAGE_LIFECYCLE)).toEqual(['building', 'ready', 'delete']);
  });
});

describe('an image is missing', () => {
  const failure = (retryAt: string): BuildFailure => ({
    ...{ provider: 'fake-provider', image: 'trusty', failures: 1, lastError: 'x', failedAt: NOW },
    retryAt: new Date(retryAt),
  });
  const other = { image: 'xenial' } as const;

  test.each<[string, boolean, KnownImages]>([
    ['when there is no row', true, { rows: [], failures: [] }],
    ['when the only row is on its way out', true, { rows: [aSnapshotImage({ state: 'delete' })], failures: [] }],
    ['not while one is built', false, { rows: [aSnapshotImage({ state: 'building' })], failures: [] }],
    ['not while one is ready', false, { rows: [aSnapshotImage()], failures: [] }],
    ['when only another image is ready', true, { rows: [aSnapshotImage(other)], failures: [] }],
    ['when only another provider has it', true, { rows: [aSnapshotImage({ provider: 'p2' })], failures: [] }],
    ['not before the wait after a failure is over', false, { rows: [], failures: [failure('2026-01-01T12:00:01Z')] }],
    ['when that wait is over', true, { rows: [], failures: [failure('2026-01-01T12:00:00Z')] }],
    [
      'whatever failed elsewhere',
      true,
      { rows: [], failures: [{ ...failure('2027-01-01T00:00:00Z'), provider: 'p2' }] },
    ],
  ])('%s: %s', (_when, expected, known) => {
    expect(isMissing(firstImageOf(configOf()), known, NOW)).toBe(expected);
  });

  test.each([
    ['it is paused', { pause: true }],
    ['it has no base image', { 'base-image': undefined }],
    ['it has no setup script', { setup: undefined }],
  ])('never when %s', (_why, keys) => {
    const config = configOf({ providers: [aProviderSection({ images: [anImageSection(keys)] })] });

    expect(isMissing(firstImageOf(config), { rows: [], failures: [] }, NOW)).toBe(false);
  });
});

describe('wanted are', () => {
  const two = [aProviderSection(), aProviderSection({ name: 'p2' })];
  const both = { providers: [{ name: 'p2' }, { name: 'fake-provider' }] };

  test.each([
    ['the image of a label in each of its providers, in the file’s order', { labels: [aLabelSection(both)] }, 2],
    ['nothing of a provider that no label names', { labels: [aLabelSection()] }, 1],
    ['an image once, however many labels use it', { labels: [aLabelSection(), aLabelSection({ name: 'l2' })] }, 1],
    ['images of labels without spare nodes', { labels: [aLabelSection({ 'min-ready': 0 })] }, 1],
    ['no images of labels that are off', { labels: [aLabelSection({ 'min-ready': -1 })] }, 0],
    ['no images that providers lack', { labels: [aLabelSection({ image: 'other' })] }, 0],
  ])('%s', (_what, keys, count) => {
    const wanted = wantedSnapshots(configOf({ providers: two, ...keys }));

    expect(wanted.map(({ provider }) => provider.name)).toEqual(['fake-provider', 'p2'].slice(0, count));
  });

  test('no images that diskimage-builder makes', () => {
    const images = [anImageSection({ diskimage: 'dib' })];
    const config = configOf({ diskimages: [{ name: 'dib' }], providers: [aProviderSection({ images })] });

    expect(wantedSnapshots(config)).toEqual([]);
  });
});

test('superseded are the ready images of one provider and name behind its two newest', () => {
  const rows = [
    aSnapshotImage({ id: 1, version: 30 }),
    aSnapshotImage({ id: 2, version: 10 }),
    aSnapshotImage({ id: 3, version: 20 }),
    aSnapshotImage({ id: 4, version: 40, state: 'building' }),
    aSnapshotImage({ id: 5, version: 1, provider: 'p2' }),
    aSnapshotImage({ id: 6, version: 1, image: 'xenial' }),
    aSnapshotImage({ id: 7, version: 5, state: 'delete' }),
  ];

  expect(supersededImages(rows).map(({ id }) => id)).toEqual([2]);
});

test('the newest is that of the latest version, and of the latest row where versions are equal or unknown', () => {
  const old = definedOnly({ ...aSnapshotImage({ id: 9 }), version: undefined });
  const rows = [aSnapshotImage({ id: 1, version: 5 }), old, aSnapshotImage({ id: 2, version: 5 })];

  expect(rows.sort(newestFirst).map(({ id }) => id)).toEqual([2, 1, 9]);
});

test('unconfigured are images whose provider or name is gone, unless they go already', () => {
  const rows = [
    aSnapshotImage({ id: 1 }),
    aSnapshotImage({ id: 2, provider: 'gone' }),
    aSnapshotImage({ id: 3, image: 'gone', state: 'building' }),
    aSnapshotImage({ id: 4, image: 'gone', state: 'delete' }),
  ];

  expect(unconfiguredImages(rows, configOf()).map(({ id }) => id)).toEqual([2, 3]);
});

test.each([
  ['is the second of its start', [], NOW.getTime() / 1000],
  ['is later than that of a build of the same second', [{ version: NOW.getTime() / 1000 }], NOW.getTime() / 1000 + 1],
  ['does not look at other images', [{ image: 'xenial', version: 9_999_999_999 }], NOW.getTime() / 1000],
])('a build’s version %s', (_what, rows, expected) => {
  const wanted = { provider: 'fake-provider', image: 'trusty' };

  expect(newVersion(wanted, rows.map(aSnapshotImage), NOW)).toBe(expected);
});
