import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildName, type DibImage, parseBuildName } from '../../src/image/dib-image.ts';
import {
  isHindered,
  missingUploads,
  newBuildVersion,
  newestBuild,
  pausedImages,
  supersededBuilds,
  unconfiguredBuilds,
  wantedDiskImages,
  whyBuild,
} from '../../src/image/dib-rules.ts';
import { placeOf } from '../../src/image/dib-image.ts';
import { attemptOf } from '../../src/image/builder-jobs.ts';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { aConfig, aLabel, aProvider, aProviderImage } from '../builders/a-config.ts';
import { aDibImage } from '../builders/a-dib-image.ts';
import { anImage } from '../builders/an-image.ts';
import { anImageSection, aProviderSection, configOf } from '../builders/config-of.ts';

const NOW = new Date('2026-01-02T00:00:00Z');
const DISK = configOf({ diskimages: [{ name: 'dib-trusty' }, { name: 'dib-xenial' }] }).diskimages;
const TRUSTY = DISK.slice(0, 1);

/** Labels `trusty` and `xenial` in two providers, each built as `dib-NAME`. */
const CONFIG = aConfig({
  diskimages: DISK,
  labels: ['trusty', 'xenial'].map((name) => aLabel({ name, image: name, providers: ['east', 'west'] })),
  providers: ['east', 'west'].map((name) =>
    aProvider({
      name,
      images: ['trusty', 'xenial'].map((image) => aProviderImage({ name: image, diskimage: `dib-${image}` })),
    }),
  ),
});

const places = (uploads: ReturnType<typeof missingUploads>): readonly string[] =>
  uploads.map(({ provider, image, build }) => `${provider.name} ${image.name} ${build.id}`);

describe('wanted disk images', () => {
  test('are those that images of labels name, each with the providers that it goes to', () => {
    const wanted = wantedDiskImages(CONFIG);

    expect(
      wanted.map(({ diskimage, uploads }) => [diskimage.name, uploads.map(({ provider }) => provider.name)]),
    ).toEqual([
      ['dib-trusty', ['east', 'west']],
      ['dib-xenial', ['east', 'west']],
    ]);
  });

  test('are not those of labels that are off, of images that no label names, or that no section describes', () => {
    const [first] = CONFIG.labels;

    expect(wantedDiskImages({ ...CONFIG, labels: first === undefined ? [] : [first] })).toHaveLength(1);
    expect(wantedDiskImages({ ...CONFIG, labels: CONFIG.labels.map((each) => ({ ...each, minReady: -1 })) })).toEqual(
      [],
    );
    expect(wantedDiskImages({ ...CONFIG, diskimages: [] })).toEqual([]);
  });

  test("are those of the image's own name where it has neither setup nor diskimage", () => {
    const image = anImageSection({ name: 'trusty', setup: undefined, 'base-image': undefined });
    const config = configOf({ diskimages: [{ name: 'trusty' }], providers: [aProviderSection({ images: [image] })] });

    expect(wantedDiskImages(config).map(({ diskimage }) => diskimage.name)).toEqual(['trusty']);
  });
});

describe('why a build begins', () => {
  const failure = { diskimage: 'dib-trusty', failures: 3, lastError: 'Exit 1', failedAt: NOW };
  const [disk] = TRUSTY;
  if (disk === undefined) throw new Error('There is no disk image');
  const late = [{ ...failure, retryAt: new Date(NOW.getTime() + 1) }];
  const due = [{ ...failure, retryAt: NOW }];

  test.each<[string, readonly DibImage[], typeof due, string | undefined]>([
    ['there is none', [], [], 'No build is ready'],
    ['the only one is being deleted', [aDibImage({ state: 'delete' })], [], 'No build is ready'],
    ['one is being built', [aDibImage({ state: 'building' })], [], undefined],
    ['one is ready', [aDibImage()], [], undefined],
    ['one of another disk image is ready', [aDibImage({ diskimage: 'dib-xenial' })], [], 'No build is ready'],
    ['the last one failed just now', [], late, undefined],
    ['the last one failed long enough ago', [], due, 'No build is ready'],
    ['a newer one than the ready one failed', [aDibImage()], due, 'The last one failed: Exit 1'],
    ['a newer one failed just now', [aDibImage()], late, undefined],
  ])('%s', (...[, builds, failures, why]) => {
    expect(whyBuild(disk, { builds, failures }, NOW)).toBe(why);
  });

  test.each([
    [3_600_000, undefined],
    [3_600_001, 'The newest build is older than its rebuild-age'],
  ])('%i ms old, with a rebuild-age of an hour', (ageMs, why) => {
    const stateChangedAt = new Date(NOW.getTime() - ageMs);
    const builds = [aDibImage({ stateChangedAt }), aDibImage({ id: 2, state: 'delete' })];

    expect(whyBuild({ ...disk, rebuildAgeMs: 3_600_000 }, { builds, failures: [] }, NOW)).toBe(why);
  });
});

describe('missing uploads', () => {
  const wanted = wantedDiskImages({ ...CONFIG, diskimages: TRUSTY });
  const builds = [aDibImage({ id: 1 }), aDibImage({ id: 2 }), aDibImage({ id: 3, state: 'building' })];
  const upload = (facts: Partial<SnapshotImage>): SnapshotImage => anImage({ provider: 'east', ...facts });

  test.each<[string, readonly SnapshotImage[], readonly string[]]>([
    ['all, where there is none', [], ['east trusty 2', 'west trusty 2']],
    ['those of the newest ready build only', [upload({ dibImageId: 1 })], ['east trusty 2', 'west trusty 2']],
    ['not what is there', [upload({ dibImageId: 2 })], ['west trusty 2']],
    ['not while anything is on its way', [upload({ dibImageId: 1, state: 'building' })], ['west trusty 2']],
    ['what is being deleted', [upload({ dibImageId: 2, state: 'delete' })], ['east trusty 2', 'west trusty 2']],
    ['not where a newer one serves whose files are gone', [upload({ dibImageId: 9 })], ['west trusty 2']],
    ['not where upstream uploaded later', [upload({ version: 1_450_000_002 })], ['west trusty 2']],
    ['where upstream uploaded before', [upload({ version: 1_450_000_001 })], ['east trusty 2', 'west trusty 2']],
  ])('are %s', (_what, images, expected) => {
    expect(places(missingUploads(wanted, { builds, images }))).toEqual(expected);
  });

  test('are not of a build that an operator took back there, but of the one before it', () => {
    const withdrawn = [aDibImage({ id: 1 }), aDibImage({ id: 2, withdrawnFrom: ['["east","trusty"]'] })];

    expect(places(missingUploads(wanted, { builds: withdrawn, images: [] }))).toEqual([
      'east trusty 1',
      'west trusty 2',
    ]);
  });

  test('wait for the back-off of the last failure, and for the end of pauses', () => {
    const [missing] = missingUploads(wanted, { builds, images: [] });
    if (missing === undefined) throw new Error('Nothing is missing');
    const at = { now: NOW, config: CONFIG };
    const failure = { provider: 'east', image: 'trusty', failures: 1, lastError: 'x', failedAt: NOW };
    const later = { ...failure, retryAt: new Date(NOW.getTime() + 1) };

    expect(isHindered(missing, { failures: [{ ...failure, retryAt: NOW }], paused: new Set(['dib-trusty']) }, at)).toBe(
      false,
    );
    expect(isHindered(missing, { failures: [later], paused: new Set() }, at)).toBe(true);
    expect(isHindered(missing, { failures: [], paused: new Set(['trusty']) }, at)).toBe(true);
  });
});

test('a paused name means the disk image, and images of providers only where there is none of that name', () => {
  expect(pausedImages(new Set(['trusty', 'dib-trusty']), CONFIG)).toEqual(new Set(['trusty']));
});

describe('builds that go', () => {
  const states = ['building', 'ready', 'delete'] as const;
  const someBuilds = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 50 }),
      diskimage: fc.constantFrom('dib-trusty', 'dib-xenial', 'gone'),
      state: fc.constantFrom(...states),
      version: fc.integer({ min: 1, max: 20 }),
    }),
    { selector: ({ id }) => id, maxLength: 20 },
  );

  test('are ready, never one of the two newest of their disk image, and never one that is being uploaded', () => {
    fc.assert(
      fc.property(someBuilds, fc.array(fc.integer({ min: 1, max: 50 })), (rows, uploaded) => {
        const builds = rows.map((row) => aDibImage(row));
        const images = uploaded.map((dibImageId, index) => anImage({ id: index + 1, state: 'building', dibImageId }));
        const gone = new Set(supersededBuilds({ builds, images }));

        for (const diskimage of ['dib-trusty', 'dib-xenial', 'gone']) {
          const ready = builds.filter((build) => build.diskimage === diskimage && build.state === 'ready');
          const kept = ready.filter((build) => !gone.has(build));
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(2, ready.length));
          if (ready.length > 0) expect(kept).toContain(newestBuild(ready));
          for (const build of kept.length > 2 ? kept : []) {
            const newer = ready.filter(
              ({ version = 0, id }) => version > (build.version ?? 0) || (version === build.version && id > build.id),
            );
            expect(newer.length < 2 || uploaded.includes(build.id)).toBe(true);
          }
        }
        expect([...gone].every(({ state, id }) => state === 'ready' && !uploaded.includes(id))).toBe(true);
      }),
    );
  });

  test('are not those that only a bad one replaces, which operators took back: the files of the last good ones stay', () => {
    const east = placeOf({ provider: 'east', image: 'trusty' });
    const builds = [1, 2, 3].map((id) => aDibImage({ id, withdrawnFrom: id === 2 ? [east] : [] }));
    const image = anImage({ id: 1, provider: 'west', image: 'trusty', dibImageId: 2 });

    expect(supersededBuilds({ builds, images: [] })).toEqual([]);
    expect(supersededBuilds({ builds, images: [image] })).toMatchObject([{ id: 1 }]); // it still serves in the west
    const later = [...builds, aDibImage({ id: 4 })];
    expect(supersededBuilds({ builds: later, images: [] }).map(({ id }) => id)).toEqual([2, 1]);
  });

  test('are all of a disk image that no section describes, unless they go already', () => {
    const builds = states.flatMap((state, index) => [
      aDibImage({ id: index, state }),
      aDibImage({ id: index + 10, state, diskimage: 'gone' }),
    ]);

    expect(unconfiguredBuilds(builds, CONFIG).map(({ id }) => id)).toEqual([10, 11]);
  });
});

test('versions of builds rise, though two begin in one second', () => {
  const seconds = NOW.getTime() / 1000;
  const builds = [aDibImage({ version: seconds }), aDibImage({ id: 2, diskimage: 'other', version: seconds + 9 })];

  expect(newBuildVersion('dib-trusty', builds, NOW)).toBe(seconds + 1);
  expect(newBuildVersion('dib-xenial', builds, NOW)).toBe(seconds);
});

test.each([
  ['trusty-0000000002', { diskimage: 'trusty', id: 2 }],
  ['a-0000000001-0000000003', { diskimage: 'a-0000000001', id: 3 }],
  ['trusty-2', undefined],
  ['-0000000002', undefined],
  ['2', undefined],
])('the build name %s says %o', (text, expected) => {
  expect(parseBuildName(text)).toEqual(expected);
  if (expected !== undefined) expect(buildName(expected)).toBe(text);
});

test('the name of an attempt fits into what Gearman takes, and is no other farm’s', () => {
  const names = ['1', '2'].map((digit) =>
    attemptOf('upload', 2_147_483_647, `${digit}1111111-1111-4111-8111-111111111111`),
  );

  expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(63);
  expect(new Set(names).size).toBe(2);
});
