import { describe, expect, test } from 'vitest';
import type { ImageStore } from '../../../src/image/image-store.ts';
import type { SnapshotImage, SnapshotImageFacts } from '../../../src/image/snapshot-image.ts';
import type { HistoryStore } from '../../../src/node/history-store.ts';
import type { FakeClock } from '../../fakes/fake-clock.ts';

export type ImageStoreWorld = {
  readonly images: ImageStore;
  readonly history: HistoryStore;
  readonly clock: FakeClock;
};

const cause = { who: 'builder', why: 'Missing image' };
const trusty = { provider: 'east', image: 'trusty', version: 1_490_703_207 };

/** What every ImageStore promises. `makeWorld` gives an empty one. */
export function describeImageStore(name: string, makeWorld: () => Promise<ImageStoreWorld>): void {
  const insertOne = async (images: ImageStore): Promise<SnapshotImage> => {
    return defined(await images.insert(trusty, cause));
  };

  describe(`${name}: images`, () => {
    test('adds a row in state building', async () => {
      const { images, clock, history } = await makeWorld();

      const image = await insertOne(images);

      expect(image).toEqual({ ...trusty, id: image.id, rowVersion: 1, state: 'building', stateChangedAt: clock.now() });
      expect(await images.find(image.id)).toEqual(image);
      expect(await history.list('image', image.id)).toMatchObject([{ event: 'inserted', to: 'building', ...cause }]);
    });

    test('builds an image at most once at a time in a provider', async () => {
      const { images } = await makeWorld();

      const outcomes = await Promise.all([images.insert(trusty, cause), images.insert(trusty, cause)]);
      const elsewhere = await images.insert({ ...trusty, provider: 'west' }, cause);

      const built = outcomes.filter((outcome) => outcome !== undefined);
      expect(built).toHaveLength(1);
      expect(elsewhere).toBeDefined();
      await images.apply(defined(built[0]), 'built', cause);
      expect(await images.insert(trusty, cause)).toBeDefined();
    });

    test('moves an image on by the lifecycle, once per version', async () => {
      const { images, clock, history } = await makeWorld();
      const image = await insertOne(images);
      await clock.advance(2_000);

      const ready = await images.apply(image, 'built', cause, { externalId: 'img-1' });

      const changed = { state: 'ready', stateChangedAt: clock.now(), externalId: 'img-1', rowVersion: 2 } as const;
      expect(ready).toEqual({ ...image, ...changed });
      expect(await images.apply(image, 'failed', cause)).toBeUndefined();
      expect(await images.apply({ ...image, ...changed }, 'failed', cause)).toBeUndefined();
      expect((await history.list('image', image.id)).map((entry) => entry.event)).toEqual(['inserted', 'built']);
    });

    test('counts launches from it that failed, until one works', async () => {
      const { images, history, clock } = await makeWorld();
      const { id } = await insertOne(images);
      const note = (end: 'launched' | 'launchFailed', why: string): Promise<SnapshotImage | undefined> =>
        images.noteLaunch(id, end, { who: 'launcher', why });

      await Promise.all([note('launchFailed', 'Node 1: No ssh'), note('launchFailed', 'Node 2: No ssh')]);
      expect(await images.find(id)).toMatchObject({ failedLaunches: 2, rowVersion: 3, state: 'building' });
      expect(await note('launchFailed', 'Node 3: No disk')).toMatchObject({
        failedLaunches: 3,
        lastError: 'Node 3: No disk',
      });
      const launchedAt = clock.now();
      const launched = await note('launched', 'Node 4');
      expect(launched).toMatchObject({ launchedAt });
      expect(launched).not.toHaveProperty('failedLaunches');
      await clock.advance(5_000);
      expect(await note('launched', 'Node 5')).toMatchObject({ launchedAt });

      const events = (await history.list('image', id)).map(({ event }) => event);
      expect(events).toEqual(['inserted', 'launchFailed', 'launchFailed', 'launchFailed', 'launched', 'launched']);
      expect(await note('launchFailed', 'Node 6')).toMatchObject({ failedLaunches: 1 });
      const reset = await images.record(id, { failedLaunches: null, launchedAt: null });
      expect(Object.keys(reset ?? {})).not.toEqual(expect.arrayContaining(['failedLaunches', 'launchedAt']));
      expect(await images.noteLaunch(id + 1, 'launched', cause)).toBeUndefined();
    });

    test('keeps every fact, and forgets the build server when it is gone', async () => {
      const { images, clock } = await makeWorld();
      const image = await insertOne(images);
      const facts: Required<SnapshotImageFacts> = {
        ...{
          externalId: 'img-1',
          serverExternalId: 'srv-1',
          baseImageId: 'base-1',
          hostname: 'template-trusty-1490703207',
          step: 'setup',
        },
        ...{ attempt: '0b0e5d5c-1111-4222-8333-444455556666', hostKey: 'sha256:abc', lastError: 'No space\nleft' },
        ...{ stepStartedAt: new Date('2026-01-02T03:04:05.678Z'), failedLaunches: 2, launchedAt: clock.now() },
      };

      expect(await images.record(image.id, facts)).toEqual({ ...image, ...facts, rowVersion: 2 });
      const gone = await images.record(image.id, { serverExternalId: null });

      expect(gone).not.toHaveProperty('serverExternalId');
      expect(await images.find(image.id)).toEqual(gone);
      expect(await images.record(image.id + 1, { hostKey: 'x' })).toBeUndefined();
    });

    test('lists by provider, image and id, and filters', async () => {
      const { images } = await makeWorld();
      for (const image of [{ provider: 'west' }, { image: 'xenial' }, {}])
        await images.insert({ ...trusty, ...image }, cause);
      const [first] = await images.list();
      await images.apply(defined(first), 'built', cause);

      const keys = (rows: readonly SnapshotImage[]): readonly string[] => rows.map((r) => `${r.provider} ${r.image}`);
      expect(keys(await images.list())).toEqual(['east trusty', 'east xenial', 'west trusty']);
      expect(keys(await images.list({ states: ['ready'] }))).toEqual(['east trusty']);
      expect(keys(await images.list({ states: ['building'], provider: 'east' }))).toEqual(['east xenial']);
      expect(keys(await images.list({ image: 'trusty', provider: 'west' }))).toEqual(['west trusty']);
    });

    test('removes the row and keeps its history', async () => {
      const { images, history } = await makeWorld();
      const image = await insertOne(images);

      await images.remove(image, cause);
      await images.remove(image, cause);

      expect(await images.find(image.id)).toBeUndefined();
      expect((await history.list('image', image.id)).map((entry) => entry.event)).toEqual(['inserted', 'removed']);
    });

    test('remembers how often a build failed until it is cleared', async () => {
      const { images } = await makeWorld();
      const failedAt = new Date('2026-01-02T03:04:05.678Z');
      const failure = {
        provider: 'east',
        image: 'trusty',
        failures: 1,
        lastError: 'Exit 1',
        failedAt,
        retryAt: failedAt,
      };
      await images.saveFailure(failure);
      await images.saveFailure({ ...failure, provider: 'Aeast' });

      await images.saveFailure({ ...failure, failures: 2, lastError: 'Exit 2' });
      await images.clearFailure('Aeast', 'trusty');
      await images.clearFailure('east', 'xenial');

      expect(await images.listFailures()).toEqual([{ ...failure, failures: 2, lastError: 'Exit 2' }]);
    });
  });
}

function defined(image: SnapshotImage | undefined): SnapshotImage {
  if (image === undefined) throw new Error('There is no image');
  return image;
}
