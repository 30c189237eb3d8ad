import { describe, expect, test } from 'vitest';
import { runDibUpdate } from '../../src/dib/dib-pass.ts';
import { aLabelSection, aProviderSection, configOf } from '../builders/config-of.ts';
import { aDibImage } from '../builders/a-dib-image.ts';
import { anImage } from '../builders/an-image.ts';
import { DibBench, dibConfig, dibSection, INSTALLATION } from './dib-bench.ts';

const BY_ME = { who: 'cli:me', why: 'It is bad' };

/** Builds 1…n, oldest first, each with files and an upload that is in the cloud. */
function withBuilds(bench: DibBench, count: number): void {
  for (let id = 1; id <= count; id += 1) {
    bench.builds.put(aDibImage({ id }));
    bench.builders.files.add(id);
    bench.images.put(anImage({ id, dibImageId: id, hostname: `template-${id}` }));
    bench.cloud.images.add({ id: `image-${id}`, name: `template-${id}`, status: 'active', properties: {} });
  }
}

const idsOf = (rows: readonly { readonly id: number; readonly state: string }[]): readonly string[] =>
  rows.map(({ id, state }) => `${id} ${state}`);

describe('a missing disk image', () => {
  test('is built at once and then uploaded, with owner properties and the name of template-hostname', async () => {
    const bench = new DibBench();

    await bench.passes();

    const facts = { filename: '/images/1', builder: 'builder-1', formats: ['qcow2'] };
    expect(bench.build()).toMatchObject({ diskimage: 'dib-trusty', state: 'ready', ...facts });
    expect(bench.upload()).toMatchObject({ image: 'trusty', state: 'ready', dibImageId: 1, externalId: 'uploaded-1' });
    const [image] = bench.cloud.images.peekAll();
    expect(image).toMatchObject({ name: `template-trusty-${bench.upload().version ?? ''}`, status: 'active' });
    expect(image?.properties).toEqual({
      nodepool_provider_name: 'fake-provider',
      nodepool_image_name: 'trusty',
      nodepool_build_id: '1',
      nodepool_upload_id: '1',
      nodepool_installation: INSTALLATION,
    });
    expect(bench.log.messages('warn')).toEqual([
      'Missing disk image dib-trusty',
      'Missing image trusty on fake-provider',
    ]);
    expect(bench.updated).toMatchObject([{ provider: 'fake-provider', image: 'trusty' }]);
  });

  test('is built and uploaded once, however often the passes come', async () => {
    const bench = new DibBench();

    for (let n = 0; n < 3; n += 1) await Promise.all([bench.startPass(), bench.startPass(), bench.pass()]);

    expect(bench.builders.begun).toEqual(['build 1', 'upload 1 fake-provider']);
    expect(idsOf(bench.builds.all())).toEqual(['1 ready']);
    expect(idsOf(bench.images.all())).toEqual(['1 ready']);
  });

  test('is left to another daemon where this one was told so', async () => {
    const bench = new DibBench();
    bench.asksForMissing = false;

    await bench.passes();

    expect(bench.builds.all()).toEqual([]);
    expect(bench.builders.begun).toEqual([]);
  });

  test.each([
    ['the section', dibConfig({ pause: true })],
    ['nobody using it', configOf({ diskimages: [{ name: 'dib-trusty' }], labels: [] })],
    [
      'a negative min-ready',
      configOf({
        diskimages: [{ name: 'dib-trusty' }],
        labels: [aLabelSection({ 'min-ready': -1 })],
        providers: [aProviderSection({ images: [dibSection()] })],
      }),
    ],
  ])('is not built because of %s', async (_why, config) => {
    const bench = new DibBench(config);

    await bench.passes();
    await runDibUpdate(bench.deps());

    expect(bench.builds.all()).toEqual([]);
  });

  test('that an operator paused is built when the pause ends', async () => {
    const bench = new DibBench();
    await bench.imagePauses.pause('dib-trusty', BY_ME);

    await bench.passes();
    expect(bench.builds.all()).toEqual([]);
    await bench.imagePauses.unpause('dib-trusty');
    await bench.passes();

    expect(idsOf(bench.images.all())).toEqual(['1 ready']);
  });

  test('is built but not uploaded where the image of the provider is paused', async () => {
    const bench = new DibBench(dibConfig({}, { pause: true }));

    await bench.passes();

    expect(bench.build().state).toBe('ready');
    expect(bench.images.all()).toEqual([]);
  });
});

describe('what is kept', () => {
  test('is two builds on disk and two uploads in the provider: a new build takes the place of the oldest', async () => {
    const bench = new DibBench();
    withBuilds(bench, 2);

    await runDibUpdate(bench.deps());
    await bench.passes(5);

    expect(idsOf(bench.builds.all())).toEqual(['2 ready', '3 ready']);
    expect([...bench.builders.files]).toEqual([2, 3]);
    expect(
      bench.images
        .all()
        .filter(({ state }) => state === 'ready')
        .map(({ dibImageId }) => dibImageId),
    ).toEqual([
      1,
      2,
      3, // uploads are retired by the image pass
    ]);
  });

  test('is a build that is being uploaded, though two newer ones are ready', async () => {
    const bench = new DibBench();
    withBuilds(bench, 3);
    bench.images.put(anImage({ id: 9, image: 'other', state: 'building', dibImageId: 1 }));

    await bench.startPass();

    expect(idsOf(bench.builds.all())).toEqual(['1 ready', '2 ready', '3 ready']);
  });

  test('is the one before it when an operator deletes an upload: it is not uploaded again by itself', async () => {
    const bench = new DibBench();
    withBuilds(bench, 2);
    await bench.builds.record(2, { withdrawnFrom: ['["fake-provider","trusty"]'] });
    await bench.images.apply(anImage({ id: 2 }), 'deleted', BY_ME);

    await bench.passes();

    expect(idsOf(bench.images.all())).toEqual(['1 ready']);
    expect(bench.left()).toEqual(['image-1']);
    expect(bench.builders.begun).toEqual([]);
  });

  test('is an upload whose build was deleted: it goes on serving, and nothing older takes its place', async () => {
    const bench = new DibBench();
    withBuilds(bench, 2);
    bench.images.put({ ...anImage({ id: 1, dibImageId: 1 }), state: 'delete' });
    await bench.builds.apply(aDibImage({ id: 2 }), 'deleted', BY_ME);

    await bench.passes();

    expect(idsOf(bench.builds.all())).toEqual(['1 ready']);
    expect(idsOf(bench.images.all())).toEqual(['2 ready']);
    expect(bench.builders.begun).toEqual(['remove 2']);
  });

  test('is nothing of a disk image that left the configuration: files go, uploads go with their image', async () => {
    const bench = new DibBench();
    withBuilds(bench, 2);
    bench.config = configOf({ labels: [] });

    await bench.passes();

    expect(bench.builds.all()).toEqual([]);
    expect([...bench.builders.files]).toEqual([]);
  });
});

describe('an upload', () => {
  test('that is gone from the cloud is made again, for no operator took it back', async () => {
    const bench = new DibBench();
    withBuilds(bench, 2);
    bench.cloud.images.delete('image-2');
    await bench.images.apply(anImage({ id: 2 }), 'deleted', {
      who: 'launcher',
      why: 'The cloud has no image any more',
    });

    await bench.passes();

    expect(bench.images.all()).toMatchObject([{ id: 1 }, { id: 3, state: 'ready', dibImageId: 2 }]);
  });

  test("of upstream's, which does not name its build, serves until there is a newer build", async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage({ id: 1, version: 1000 }));
    bench.images.put(anImage({ id: 1, version: 1100 }));
    bench.builders.files.add(1);

    await bench.passes();
    expect(bench.builders.begun).toEqual([]);
    await runDibUpdate(bench.deps());
    await bench.passes();

    expect(bench.images.all()).toMatchObject([{ id: 1 }, { id: 2, state: 'ready', dibImageId: 2 }]);
  });

  test('in a provider that left the configuration waits, and that is said once', async () => {
    const bench = new DibBench();
    bench.images.put(anImage({ id: 1, dibImageId: 1, state: 'delete' }));
    bench.asksForMissing = false;
    bench.isKnown = false;

    await bench.passes();

    expect(bench.upload().state).toBe('delete');
    expect(bench.log.messages('warn')).toEqual([
      'Images of provider fake-provider cannot be deleted: it is no longer configured',
    ]);
  });
});

describe('when builds are due', () => {
  test('the cron asks for a new one though one is ready, once', async () => {
    const bench = new DibBench();
    withBuilds(bench, 1);

    await runDibUpdate(bench.deps());
    await runDibUpdate(bench.deps());

    expect(idsOf(bench.builds.all())).toEqual(['1 ready', '2 building']);
  });

  test('rebuild-age decides instead of the cron where it is given', async () => {
    const bench = new DibBench(dibConfig({ 'rebuild-age': 3600 }));
    withBuilds(bench, 1);
    bench.builds.put(aDibImage({ stateChangedAt: bench.clock.now() }));

    await runDibUpdate(bench.deps());
    for (let n = 0; n < 60; n += 1) await bench.clock.sleep(59_999);
    await bench.pass();
    expect(bench.builds.all()).toHaveLength(1);
    await bench.clock.sleep(2_000);
    await bench.startPass();

    expect(bench.builds.all()).toMatchObject([{ id: 1 }, { id: 2, state: 'building' }]);
    expect(bench.images.history.all()[0]).toMatchObject({ why: 'The newest build is older than its rebuild-age' });
  });
});
