import { describe, expect, test } from 'vitest';
import { aDibImage } from '../builders/a-dib-image.ts';
import { anImage } from '../builders/an-image.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { letWorkGoOn } from '../pool/pass-time.ts';
import { DibBench } from './dib-bench.ts';

const MINUTE_MS = 60_000;

/** A ready build whose files a builder has. */
function withBuild(bench: DibBench): void {
  bench.builds.put(aDibImage());
  bench.builders.files.add(1);
}

/** Until it is given up: what was lost is asked for six times. */
function failEachTime(bench: DibBench, kind: 'failed' | 'lost', message: string): void {
  for (let time = 0; time < (kind === 'lost' ? 6 : 1); time += 1) bench.builders.failNext(kind, message);
}

async function waitMs(bench: DibBench, ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 59_999) await bench.clock.sleep(Math.min(leftMs, 59_999));
}

describe('a build that fails', () => {
  test('loses its row, keeps its reason, and is tried again after waits that double up to four hours', async () => {
    const bench = new DibBench();
    const waits: number[] = [];

    for (let failures = 1; failures <= 12; failures += 1) {
      bench.builders.failNext('failed', 'disk-image-create ended with status 1');
      await bench.passes(2);
      expect(bench.builds.all()).toEqual([]);
      const [failure] = await bench.builds.listFailures();
      expect(failure).toMatchObject({
        diskimage: 'dib-trusty',
        failures,
        lastError: 'disk-image-create ended with status 1',
      });
      const waitedMs = (failure?.retryAt.getTime() ?? 0) - bench.clock.now().getTime();
      waits.push(waitedMs / 1000);
      await waitMs(bench, waitedMs - 1);
      await bench.passes(2);
      expect(bench.builders.begun).toHaveLength(failures);
      await waitMs(bench, 1);
    }

    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 14_400, 14_400, 14_400]);
    await bench.passes();
    expect(await bench.builds.listFailures()).toEqual([]);
    expect(bench.upload().state).toBe('ready');
  });

  test('is tried again though an older one is ready, which serves meanwhile', async () => {
    const bench = new DibBench();
    withBuild(bench);
    bench.images.put(anImage({ dibImageId: 1 }));
    const at = bench.clock.now();
    await bench.builds.saveFailure({ diskimage: 'dib-trusty', failures: 1, lastError: 'x', failedAt: at, retryAt: at });

    await bench.passes();

    expect(bench.builds.all().map(({ id, state }) => [id, state])).toEqual([
      [1, 'ready'],
      [2, 'ready'],
    ]);
  });

  test('because its builder was lost waits in delete for files that come late, and these go', async () => {
    const bench = new DibBench();
    failEachTime(bench, 'lost', 'Lost the Gearman server');
    await bench.passes(2);
    expect(bench.build()).toMatchObject({ state: 'delete', lastError: 'Lost the Gearman server' });

    bench.builders.files.add(1); // the builder went on
    await waitMs(bench, 2 * MINUTE_MS);
    await bench.passes();

    expect(bench.builders.begun).toContain('remove 1');
    expect(bench.builds.all()).toMatchObject([{ id: 2, state: 'ready' }]);
  });

  test('for want of a builder says so, after an hour in which one might have come', async () => {
    const bench = new DibBench();
    bench.builders.diskimages.clear();

    await bench.passes(2);

    expect(bench.builds.all()).toEqual([]);
    expect(bench.builders.begun).toEqual([]);
    expect(bench.log.messages('error')).toEqual([
      'Cannot build disk image dib-trusty: No builder offers disk image dib-trusty: is nodepool-builder running?',
    ]);
    expect(bench.clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(60 * MINUTE_MS);
  });

  test('for want of a Gearman server says that', async () => {
    const bench = new DibBench();
    bench.builders.isReachable = false;

    await bench.pass();

    expect((await bench.builds.listFailures())[0]?.lastError).toBe(
      'No Gearman server answers: is nodepool-builder running?',
    );
  });
});

test('a build that finds no builder at first goes on when one comes', async () => {
  const bench = new DibBench();
  bench.builders.diskimages.clear();
  const sleep = bench.clock.sleep.bind(bench.clock);
  bench.clock.sleep = async (ms, signal) => {
    if (ms === 5_000) {
      expect(bench.build().step).toBe('wait-builder');
      bench.builders.diskimages.add('dib-trusty');
    }
    await sleep(ms, signal);
  };

  await bench.pass();

  expect(bench.build()).toMatchObject({ state: 'ready', step: 'submitted' });
  expect(bench.log.messages('warn')).toContain('No builder offers disk image dib-trusty now; build 1 waits for one');
});

describe('an upload that fails', () => {
  test.each(['failed', 'lost'] as const)('(%s) leaves neither row nor image, and is tried again', async (kind) => {
    const bench = new DibBench();
    withBuild(bench);
    failEachTime(bench, kind, 'Glance said no');

    await bench.passes(2);

    expect(bench.images.all()).toEqual([]);
    expect(bench.left()).toEqual([]);
    expect(await bench.images.listFailures()).toMatchObject([{ failures: 1, lastError: 'Glance said no' }]);
    await waitMs(bench, 30_000);
    await bench.passes(2);
    expect(bench.upload()).toMatchObject({ id: 2, state: 'ready', dibImageId: 1 });
    expect(await bench.images.listFailures()).toEqual([]);
  });

  test('because no builder has the files is given up after ten minutes', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());

    await bench.passes(2);

    expect(bench.images.all()).toEqual([]);
    expect((await bench.images.listFailures())[0]?.lastError).toBe(
      'No builder offers the files of build 1: is nodepool-builder running?',
    );
    expect(bench.cloud.calls).not.toContain('listImages');
  });

  test('and that the cloud does not delete is tried again after growing waits', async () => {
    const bench = new DibBench();
    bench.images.put(anImage({ dibImageId: 1, state: 'delete' }));
    bench.cloud.images.add({ id: 'image-1', name: 'x', status: 'active', properties: {} });
    bench.asksForMissing = false;
    bench.cloud.failNext('deleteImage', new TransientProviderError('Image is in use'), 2);

    for (let pass = 0; pass < 5; pass += 1) await bench.pass();
    expect(bench.log.messages('warn')).toEqual(['Removal of image id: 1 goes on later: Image is in use']);
    expect(bench.work.retries.nextDueMs()).toBe(1000);
    await waitMs(bench, 3000);
    await bench.passes(2);
    await waitMs(bench, 3000);
    await bench.passes(2);

    expect(bench.images.all()).toEqual([]);
    expect(bench.left()).toEqual([]);
  });
});

describe('the files of a build in delete', () => {
  test('are removed before its row', async () => {
    const bench = new DibBench();
    bench.asksForMissing = false;
    bench.builds.put(aDibImage({ state: 'delete' }));
    bench.builders.files.add(1);
    bench.builders.failNext('failed', 'Read-only file system');

    await bench.pass();
    expect(bench.build().state).toBe('delete');
    await waitMs(bench, 2000);
    await bench.pass();

    expect(bench.builds.all()).toEqual([]);
    expect([...bench.builders.files]).toEqual([]);
  });

  test('that no builder has keep the row for an hour, in which the builder may come back', async () => {
    const bench = new DibBench();
    bench.asksForMissing = false;
    bench.builds.put(aDibImage({ state: 'delete', stateChangedAt: bench.clock.now() }));

    await waitMs(bench, 59 * MINUTE_MS);
    await bench.pass();
    expect(bench.build().state).toBe('delete');
    await waitMs(bench, 2 * MINUTE_MS);
    await bench.pass();

    expect(bench.builds.all()).toEqual([]);
    expect(bench.log.messages('warn')).toEqual([
      'No builder has had the files of dib-trusty-0000000001 for an hour (/images/1): its row goes',
    ]);
  });

  test('that their own builder has no more do not keep the row: the daemon that asked for it was killed', async () => {
    const bench = new DibBench();
    bench.asksForMissing = false;
    bench.builds.put(aDibImage({ state: 'delete', stateChangedAt: bench.clock.now() }));
    bench.builders.places.add('builder-1:/srv/other').add('builder-2:/images');

    await waitMs(bench, MINUTE_MS);
    await bench.pass();
    expect(bench.build().state).toBe('delete');
    bench.builders.places.add('builder-1:/images');
    await waitMs(bench, MINUTE_MS);
    await bench.pass();

    expect(bench.builds.all()).toEqual([]);
    expect(bench.log.messages('warn')).toEqual([]);
  });

  test('stay while they are being uploaded', async () => {
    const bench = new DibBench();
    withBuild(bench);
    const release = bench.builders.holdNext();
    await bench.startPass();
    await letWorkGoOn();
    await bench.builds.apply(aDibImage(), 'deleted', { who: 'cli:me', why: 'It is bad' });
    bench.asksForMissing = false;

    await bench.startPass();
    await letWorkGoOn();
    expect(bench.builders.begun).toEqual(['upload 1 fake-provider']);
    release();
    await bench.work.settled();
    await bench.passes();

    expect(bench.upload().state).toBe('ready');
    expect(bench.builds.all()).toEqual([]);
  });
});
