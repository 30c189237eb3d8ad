import { describe, expect, test } from 'vitest';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { uploadProperties } from '../../src/provider/upload-owner.ts';
import { aDibImage } from '../builders/a-dib-image.ts';
import { aSnapshotImage } from '../builders/a-snapshot-image.ts';
import { configOf } from '../builders/config-of.ts';
import { letWorkGoOn } from '../pool/pass-time.ts';
import { DibBench, INSTALLATION } from './dib-bench.ts';

const BY_ME = { who: 'cli:me', why: 'It is bad' };

describe('a daemon that is killed', () => {
  test('while a builder works on its build is followed by one that joins the same job: nothing is built twice', async () => {
    const bench = new DibBench();
    const release = bench.builders.holdNext();
    await bench.startPass();
    await letWorkGoOn();
    expect(bench.build()).toMatchObject({ state: 'building', step: 'submitted' });

    await bench.restart();
    expect(bench.build().state).toBe('building');
    await bench.startPass();
    await letWorkGoOn();
    release();
    await bench.work.settled();

    expect(bench.build().state).toBe('ready');
    expect(bench.builders.begun).toEqual(['build 1']);
    expect(await bench.builds.listFailures()).toEqual([]);
  });

  test('while a builder uploads is followed by one that joins the upload', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());
    bench.builders.files.add(1);
    const release = bench.builders.holdNext();
    await bench.startPass();
    await letWorkGoOn();

    await bench.restart();
    await bench.startPass();
    await letWorkGoOn();
    release();
    await bench.work.settled();

    expect(bench.upload()).toMatchObject({ state: 'ready', externalId: 'uploaded-1' });
    expect(bench.left()).toEqual(['uploaded-1']);
  });

  test('and whose upload was cut off leaves half an image, which goes when the next one is whole', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());
    bench.builders.files.add(1);
    const place = { provider: 'fake-provider', image: 'trusty' };
    const properties = uploadProperties({ ...place, buildId: 1, uploadId: 1, installation: INSTALLATION });
    bench.cloud.images.add({ id: 'half', name: 'template', status: 'active', properties });
    bench.images.put({ ...building(), hostname: 'template' });

    await bench.pass();

    expect(bench.upload()).toMatchObject({ state: 'ready', externalId: 'uploaded-1', hostname: 'template' });
    expect(bench.left()).toEqual(['uploaded-1']);
  });

  test('while nothing is under way leaves nothing to do', async () => {
    const bench = new DibBench();
    await bench.passes();
    const begun = bench.builders.begun.length;

    await bench.restart();
    await bench.passes();

    expect(bench.builders.begun).toHaveLength(begun);
  });
});

describe('what is deleted while a builder works on it', () => {
  test('an upload ends at once, and its half image goes', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());
    bench.builders.files.add(1);
    bench.builders.holdNext();
    await bench.startPass();
    await letWorkGoOn();
    expect(bench.left()).toEqual(['uploaded-1']);
    bench.asksForMissing = false;

    await bench.images.apply(bench.upload(), 'deleted', BY_ME);
    await bench.pass();

    expect(bench.images.all()).toEqual([]);
    expect(bench.left()).toEqual([]);
    expect(await bench.images.listFailures()).toEqual([]);
  });

  test('an upload whose row is gone when it is done takes its image back', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());
    bench.builders.files.add(1);
    const release = bench.builders.holdNext();
    await bench.startPass();
    await letWorkGoOn();
    await bench.images.remove(bench.upload(), BY_ME);
    bench.asksForMissing = false;

    release();
    await bench.work.settled();

    expect(bench.left()).toEqual([]);
    expect(bench.images.all()).toEqual([]);
  });

  test('a build whose disk image leaves the configuration ends, and files that come late go too', async () => {
    const bench = new DibBench();
    const release = bench.builders.holdNext();
    await bench.startPass();
    await letWorkGoOn();
    bench.config = configOf({ labels: [] });

    await bench.pass();
    expect(bench.build()).toMatchObject({ state: 'delete', step: 'submitted' });
    release();
    await letWorkGoOn();
    for (let ms = 0; ms < 120_000; ms += 50_000) await bench.clock.sleep(50_000);
    await bench.passes();

    expect(bench.builds.all()).toEqual([]);
    expect([...bench.builders.files]).toEqual([]);
  });

  test('an upload whose image is no longer a disk image goes', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());
    bench.images.put(building());
    bench.config = configOf({ diskimages: [{ name: 'dib-trusty' }] });

    await bench.passes();

    expect(bench.images.all()).toEqual([]);
  });
});

/** An upload that is under way: it has no image that we know of. */
function building(): SnapshotImage {
  return aSnapshotImage({ state: 'building', dibImageId: 1 });
}
