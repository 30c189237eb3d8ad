import { describe, expect, test } from 'vitest';
import type { DibImage, DibImageFacts } from '../../../src/image/dib-image.ts';
import type { DibImageStore } from '../../../src/image/dib-image-store.ts';
import type { ImageData, ImageDataStore } from '../../../src/image/image-data.ts';
import type { ImagePauseStore } from '../../../src/image/image-pause-store.ts';
import type { ImageStore } from '../../../src/image/image-store.ts';
import type { HistoryStore } from '../../../src/node/history-store.ts';
import type { FakeClock } from '../../fakes/fake-clock.ts';

export type DibImageStoreWorld = {
  readonly dibImages: DibImageStore;
  readonly imagePauses: ImagePauseStore;
  readonly images: ImageStore;
  readonly imageData: ImageDataStore;
  readonly history: HistoryStore;
  readonly clock: FakeClock;
};

const cause = { who: 'scheduler', why: 'Missing disk image' };
const trusty = { diskimage: 'dib-trusty', version: 1_490_703_207 };

/** What every DibImageStore promises, and what every ImagePauseStore does. `makeWorld` gives empty ones. */
export function describeDibImageStore(name: string, makeWorld: () => Promise<DibImageStoreWorld>): void {
  describe(`${name}: builds of disk images`, () => {
    test('adds a row in state building, which has no files yet', async () => {
      const { dibImages, clock, history } = await makeWorld();

      const build = defined(await dibImages.insert(trusty, cause));

      const empty = { formats: [], withdrawnFrom: [], state: 'building', rowVersion: 1 };
      expect(build).toEqual({ ...trusty, ...empty, id: build.id, stateChangedAt: clock.now() });
      expect(await dibImages.find(build.id)).toEqual(build);
      expect(await history.list('dib-image', build.id)).toMatchObject([
        { event: 'inserted', to: 'building', ...cause },
      ]);
    });

    test('builds a disk image at most once at a time', async () => {
      const { dibImages } = await makeWorld();

      const outcomes = await Promise.all([dibImages.insert(trusty, cause), dibImages.insert(trusty, cause)]);
      const other = await dibImages.insert({ ...trusty, diskimage: 'dib-xenial' }, cause);

      const built = outcomes.filter((outcome) => outcome !== undefined);
      expect(built).toHaveLength(1);
      expect(other).toBeDefined();
      await dibImages.apply(defined(built[0]), 'built', cause);
      expect(await dibImages.insert(trusty, cause)).toBeDefined();
    });

    test('moves a build on by the lifecycle, once per version, and keeps every fact', async () => {
      const { dibImages, clock, history } = await makeWorld();
      const build = defined(await dibImages.insert(trusty, cause));
      await clock.advance(2_000);
      const facts: Required<DibImageFacts> = {
        ...{ filename: '/images/1', builder: 'b-1', formats: ['qcow2', 'raw'], step: 'submitted', lastError: 'No' },
        withdrawnFrom: ['["east","a \\"quoted\\" name"]'],
      };

      const ready = await dibImages.apply(build, 'built', cause, facts);

      expect(ready).toEqual({ ...build, ...facts, state: 'ready', rowVersion: 2, stateChangedAt: clock.now() });
      expect(await dibImages.find(build.id)).toEqual(ready);
      expect(await dibImages.apply(build, 'failed', cause)).toBeUndefined();
      expect((await history.list('dib-image', build.id)).map((entry) => entry.event)).toEqual(['inserted', 'built']);
    });

    test('forgets the step when nobody works on it any more', async () => {
      const { dibImages } = await makeWorld();
      const build = defined(await dibImages.insert(trusty, cause));
      expect(await dibImages.record(build.id, { step: 'wait-builder' })).toMatchObject({ step: 'wait-builder' });

      expect(await dibImages.record(build.id, { step: null })).not.toHaveProperty('step');
      expect(await dibImages.record(build.id + 1, { step: 'submitted' })).toBeUndefined();
    });

    test('lists by disk image and id, and filters', async () => {
      const { dibImages } = await makeWorld();
      for (const diskimage of ['xenial', 'trusty', 'Zesty']) await dibImages.insert({ ...trusty, diskimage }, cause);
      const [first] = await dibImages.list();
      await dibImages.apply(defined(first), 'built', cause);

      const names = (rows: readonly DibImage[]): readonly string[] => rows.map(({ diskimage }) => diskimage);
      expect(names(await dibImages.list())).toEqual(['Zesty', 'trusty', 'xenial']);
      expect(names(await dibImages.list({ states: ['building'] }))).toEqual(['trusty', 'xenial']);
      expect(names(await dibImages.list({ states: ['ready', 'building'], diskimage: 'xenial' }))).toEqual(['xenial']);
    });

    test('removes the row and keeps its history', async () => {
      const { dibImages, history } = await makeWorld();
      const build = defined(await dibImages.insert(trusty, cause));

      await dibImages.remove(build, cause);
      await dibImages.remove(build, cause);

      expect(await dibImages.find(build.id)).toBeUndefined();
      expect((await history.list('dib-image', build.id)).map(({ event }) => event)).toEqual(['inserted', 'removed']);
    });

    test('remembers failures apart from those of images in providers', async () => {
      const { dibImages, images } = await makeWorld();
      const at = new Date('2026-01-02T03:04:05.678Z');
      const failure = { failures: 1, lastError: 'Exit 1', failedAt: at, retryAt: at };
      await dibImages.saveFailure({ diskimage: 'trusty', ...failure });
      await dibImages.saveFailure({ diskimage: 'trusty', ...failure, failures: 2 });
      await dibImages.saveFailure({ diskimage: 'xenial', ...failure });
      await images.saveFailure({ provider: 'east', image: 'trusty', ...failure });

      await dibImages.clearFailure('xenial');

      expect(await dibImages.listFailures()).toEqual([{ diskimage: 'trusty', ...failure, failures: 2 }]);
      expect(await images.listFailures()).toEqual([{ provider: 'east', image: 'trusty', ...failure }]);
    });

    test('an upload says which build it is of', async () => {
      const { images } = await makeWorld();

      const row = await images.insert({ provider: 'east', image: 'trusty', version: 1, dibImageId: 7 }, cause);

      expect(row).toMatchObject({ dibImageId: 7, state: 'building' });
      expect(await images.list()).toEqual([row]);
    });
  });

  describe(`${name}: images of another database`, () => {
    const at = new Date('2026-01-02T03:04:05Z');
    const build = { id: 7, diskimage: 'trusty', formats: ['raw'], filename: '/i/7', version: 5, stateChangedAt: at };
    const image = { id: 9, provider: 'east', image: 'trusty', externalId: 'img', dibImageId: 7, stateChangedAt: at };
    const data: ImageData = { builds: [build], images: [image] };

    test('come with their ids and times, and later ids are greater', async () => {
      const { dibImages, images, imageData, history } = await makeWorld();

      await imageData.restore(data, cause);

      const ready = { state: 'ready', rowVersion: 1 };
      expect(await dibImages.list()).toEqual([{ ...build, ...ready, withdrawnFrom: [] }]);
      expect(await images.list()).toEqual([{ ...image, ...ready }]);
      expect(await history.list('dib-image', 7)).toMatchObject([{ event: 'inserted', to: 'ready', ...cause }]);
      expect(await history.list('image', 9)).toMatchObject([{ event: 'inserted', to: 'ready', ...cause }]);
      expect(defined(await dibImages.insert(trusty, cause)).id).toBeGreaterThan(7);
      expect((await images.insert({ provider: 'x', image: 'y', version: 1 }, cause))?.id).toBeGreaterThan(9);
    });

    test('are refused, all of them, where one of their ids exists', async () => {
      const { dibImages, images, imageData } = await makeWorld();
      await imageData.restore({ builds: [], images: [image] }, cause);

      await expect(imageData.restore(data, cause)).rejects.toThrow();

      expect(await dibImages.list()).toEqual([]);
      expect(await images.list()).toHaveLength(1);
    });
  });

  describe(`${name}: pauses`, () => {
    test('are kept by name until they end, with who paused first', async () => {
      const { imagePauses, clock } = await makeWorld();

      expect(await imagePauses.pause('trusty', { who: 'cli:ada' })).toBe(true);
      expect(await imagePauses.pause('trusty', { who: 'cli:bob' })).toBe(false);
      expect(await imagePauses.pause('Zesty', { who: 'cli:bob' })).toBe(true);
      expect(await imagePauses.list()).toEqual([
        { name: 'Zesty', since: clock.now(), who: 'cli:bob' },
        { name: 'trusty', since: clock.now(), who: 'cli:ada' },
      ]);

      expect(await imagePauses.unpause('Zesty')).toBe(true);
      expect(await imagePauses.unpause('Zesty')).toBe(false);
      expect((await imagePauses.list()).map(({ name }) => name)).toEqual(['trusty']);
    });
  });
}

function defined(build: DibImage | undefined): DibImage {
  if (build === undefined) throw new Error('There is no build');
  return build;
}
