import { describe, expect, test } from 'vitest';
import { RequestRefusedError } from '../../src/provider/errors.ts';
import { runImageUpdate } from '../../src/snapshot/image-pass.ts';
import { aLabelSection, anImageSection, aProviderSection, configOf } from '../builders/config-of.ts';
import { aSnapshotImage } from '../builders/a-snapshot-image.ts';
import { BuildBench } from './build-bench.ts';

/** Ready images 1…n, oldest first, each with its image in the cloud. */
function withReady(bench: BuildBench, count: number): void {
  for (let id = 1; id <= count; id += 1) {
    bench.images.put(aSnapshotImage({ id, version: 1000 + id, externalId: `cloud-${id}` }));
    bench.cloud.images.add({ id: `cloud-${id}`, name: `image-${id}`, status: 'active', properties: {} });
  }
}

function idsByState(bench: BuildBench): Readonly<Record<string, readonly number[]>> {
  const groups: Record<string, number[]> = {};
  for (const { id, state } of bench.images.all()) groups[state] = [...(groups[state] ?? []), id];
  return groups;
}

describe('a missing image', () => {
  test('is built at once', async () => {
    const bench = new BuildBench();

    await bench.pass();

    expect(bench.row().state).toBe('ready');
    expect(bench.log.messages('warn')).toEqual(['Missing image trusty on fake-provider']);
  });

  test('is built once, however often the passes come', async () => {
    const bench = new BuildBench();

    await Promise.all([bench.startPass(), bench.startPass()]);
    await bench.pass();

    expect(bench.images.all()).toHaveLength(1);
    expect(bench.cloud.calls.filter((call) => call === 'createServer')).toHaveLength(1);
  });

  test('is left to another daemon where this one was told so', async () => {
    const bench = new BuildBench();
    bench.asksForMissing = false;

    await bench.pass();

    expect(bench.images.all()).toEqual([]);
  });
});

test('an image that an operator paused by a command is built when the pause ends, by the cron neither', async () => {
  const bench = new BuildBench();
  await bench.imagePauses.pause('trusty', { who: 'cli:ada' });

  await bench.pass();
  await runImageUpdate(bench.passDeps());
  expect(bench.images.all()).toEqual([]);
  await bench.imagePauses.unpause('trusty');
  await bench.pass();

  expect(bench.row().state).toBe('ready');
});

test('uploads of disk images are retired like snapshots, and otherwise left to those who made them', async () => {
  const bench = new BuildBench();
  for (const id of [1, 2, 3])
    bench.images.put(aSnapshotImage({ id, version: id, dibImageId: id, externalId: `c-${id}` }));
  bench.images.put(aSnapshotImage({ id: 4, state: 'building', dibImageId: 4 }));

  await bench.pass();

  expect(idsByState(bench)).toEqual({ delete: [1], ready: [2, 3], building: [4] });
  expect(bench.cloud.calls).toEqual([]);
});

describe('images that are ready', () => {
  test('are kept to two: older ones go from the cloud too', async () => {
    const bench = new BuildBench();
    withReady(bench, 4);

    await bench.pass();

    expect(idsByState(bench)).toEqual({ ready: [3, 4] });
    expect(bench.left().images).toEqual(['cloud-3', 'cloud-4']);
  });

  test('serve again when the newest is deleted, without a new build', async () => {
    const bench = new BuildBench();
    withReady(bench, 2);
    await bench.images.apply(aSnapshotImage({ id: 2 }), 'deleted', { who: 'cli:me', why: 'It is bad' });

    await bench.pass();

    expect(idsByState(bench)).toEqual({ ready: [1] });
    expect(bench.left().images).toEqual(['cloud-1']);
  });

  test('lose the build server that a crash left', async () => {
    const bench = new BuildBench({ cloud: { servers: ['left-over'], keypairs: ['template-1'] } });
    bench.images.put(aSnapshotImage({ serverExternalId: 'left-over', hostname: 'template.x', externalId: 'cloud-1' }));

    await bench.pass();

    expect(bench.row()).toMatchObject({ state: 'ready', externalId: 'cloud-1' });
    expect(bench.row().serverExternalId).toBeUndefined();
    expect(bench.left()).toMatchObject({ servers: 0, keypairs: [] });
  });

  test('go when their image leaves the configuration', async () => {
    const bench = new BuildBench();
    withReady(bench, 2);
    bench.config = configOf({
      labels: [aLabelSection({ image: 'xenial' })],
      providers: [aProviderSection({ images: [anImageSection({ name: 'xenial' })] })],
    });
    bench.asksForMissing = false;

    await bench.pass();

    expect(bench.images.all()).toEqual([]);
    expect(bench.left().images).toEqual([]);
  });

  test('stay when only the last label that uses them is gone', async () => {
    const bench = new BuildBench();
    withReady(bench, 2);
    bench.config = configOf({ labels: [] });

    await bench.pass();

    expect(idsByState(bench)).toEqual({ ready: [1, 2] });
  });
});

test('a build ends when its image leaves the configuration', async () => {
  const bench = new BuildBench();
  const running = bench.machines.hangAt('prepare.sh');
  await bench.startPass();
  await running;
  bench.config = configOf({ labels: [], providers: [aProviderSection({ images: [anImageSection({ name: 'x' })] })] });

  await bench.pass();

  expect(bench.images.all()).toEqual([]);
  expect(bench.left().servers).toBe(0);
});

test('an image that diskimage-builder makes from now on is not built by its setup script', async () => {
  const bench = new BuildBench();
  await bench.insert();
  const images = [anImageSection({ diskimage: 'dib' })];
  bench.config = configOf({ diskimages: [{ name: 'dib' }], providers: [aProviderSection({ images })] });

  await bench.pass();
  await bench.pass();

  expect(bench.images.all()).toEqual([]);
  expect(bench.machines.commands).toEqual([]);
});

describe('the cron image-update', () => {
  test('asks for a new image though one is ready', async () => {
    const bench = new BuildBench();
    withReady(bench, 1);

    await runImageUpdate(bench.passDeps());
    await bench.pass();

    expect(idsByState(bench)).toEqual({ ready: [1, 2] });
  });

  test.each([
    ['no label uses', { labels: [] }],
    ['a label of negative min-ready uses', { labels: [aLabelSection({ 'min-ready': -1 })] }],
    ['are paused', { providers: [aProviderSection({ images: [anImageSection({ pause: true })] })] }],
    ['have no setup', { providers: [aProviderSection({ images: [anImageSection({ setup: undefined })] })] }],
  ])('leaves out images that %s', async (_what, keys) => {
    const bench = new BuildBench({ config: configOf(keys) });

    await runImageUpdate(bench.passDeps());
    await bench.pass();

    expect(bench.images.all()).toEqual([]);
  });

  test('asks once while a build is under way', async () => {
    const bench = new BuildBench();
    await bench.insert();

    await runImageUpdate(bench.passDeps());

    expect(bench.images.all()).toHaveLength(1);
  });
});

describe('an image that the cloud does not delete', () => {
  test('is tried again after growing waits and not in between, though every change wakes the pass', async () => {
    const bench = new BuildBench({ cloud: { servers: ['srv'] } });
    bench.images.put(aSnapshotImage({ state: 'delete', externalId: 'cloud-1', serverExternalId: 'srv' }));
    bench.asksForMissing = false;
    bench.cloud.failNext('deleteImage', new RequestRefusedError('Image is in use'), 2);

    for (let pass = 0; pass < 5; pass += 1) await bench.pass();
    expect(bench.log.messages('warn')).toEqual(['Removal of image id: 1 goes on later: Image is in use']);
    expect(bench.work.retries.nextDueMs()).toBe(1000);
    await bench.clock.sleep(1000);
    await bench.pass();
    await bench.clock.sleep(1000);
    await bench.pass();
    expect(bench.images.all()).toHaveLength(1);
    await bench.clock.sleep(1000);
    await bench.pass();

    expect(bench.images.all()).toEqual([]);
    expect(bench.work.retries.nextDueMs()).toBeUndefined();
  });

  test('because its provider is unknown waits, and that is said once', async () => {
    const bench = new BuildBench();
    bench.images.put(aSnapshotImage({ state: 'delete', externalId: 'cloud-1' }));
    bench.asksForMissing = false;
    bench.isKnown = false;

    await bench.pass();
    await bench.pass();

    expect(bench.row().state).toBe('delete');
    expect(bench.log.messages('warn')).toEqual([
      'Images of provider fake-provider cannot be deleted: it is no longer configured',
    ]);
  });
});

test('a build server that does not go is no failed build: the image is ready', async () => {
  const bench = new BuildBench();
  bench.cloud.failNext('deleteServer', new RequestRefusedError('No'), 1);
  await bench.insert();

  await bench.pass();
  expect(bench.row()).toMatchObject({ state: 'ready', serverExternalId: 'server-1' });
  expect(await bench.images.listFailures()).toEqual([]);
  await bench.pass();

  expect(bench.left().servers).toBe(0);
});
