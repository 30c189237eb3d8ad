import { describe, expect, test } from 'vitest';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { QuotaExceededError, RequestRefusedError, TransientProviderError } from '../../src/provider/errors.ts';
import { aConfig, aProvider, aProviderImage } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { anImage } from '../builders/an-image.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench, type PoolBenchOptions } from './pool-bench.ts';

const REFUSED = new RequestRefusedError('ServerCreate got status 400: Can not find requested image');

/** Two ready images; the newer one, `image-2`, is gone from the cloud. */
function aBench(options: PoolBenchOptions = {}): PoolBench {
  const bench = new PoolBench(options);
  bench.images.put(anImage({ id: 2 }));
  bench.cloud.failNext('createServer', REFUSED);
  return bench;
}

async function launchAll(bench: PoolBench): Promise<void> {
  const { launchPass } = bench.startProcess();
  await runLaunchPass(launchPass, neverAborted);
  await launchPass.launches.settled();
}

function statesOf(images: readonly SnapshotImage[]): readonly string[] {
  return images.map(({ id, state }) => `${id} ${state}`);
}

describe('a create call that is refused because its image is gone from the cloud', () => {
  test('marks the image for deletion, and the node goes with a clear reason', async () => {
    const bench = aBench();

    await launchAll(bench);

    const why = 'The cloud has no image image-2 any more';
    expect(statesOf(bench.images.all()).slice(0, 2)).toEqual(['1 ready', '2 delete']);
    expect(bench.node().state).toBe('delete');
    expect(bench.history.all().find(({ event }) => event === 'launchFailed')?.why).toContain(why);
    expect(bench.log.messages('error')).toEqual([`${why}: ${REFUSED.message}`]);
    expect(bench.log.messages('warn')).toEqual(['Image trusty (image-2) is gone from fake-provider']);
    expect(bench.metrics.launches).toEqual([{ node: 1, outcome: 'error.nodepool', ms: 0 }]);
  });

  test('lets the next launch use the image before it', async () => {
    const bench = aBench();
    await launchAll(bench);
    await bench.nodes.insert([{ provider: 'fake-provider', label: 'trusty', target: 'fake-target' }], {
      who: 'test',
      why: 'test',
    });

    await launchAll(bench);

    expect(bench.node(2)).toMatchObject({ state: 'ready', imageId: 1 });
  });

  test('asks for a new build at once, though an older image serves; its version is later than all before', async () => {
    const bench = aBench();
    bench.images.put({ ...anImage({ id: 2 }), version: 1_800_000_000 }); // the clock was set back since

    await launchAll(bench);

    expect(bench.images.all().at(-1)).toMatchObject({ id: 3, state: 'building', version: 1_800_000_001 });
  });

  test.each([
    ['whose rebuilds are paused', { pause: true }],
    ['made by disk-image-builder', { diskimage: 'trusty' }],
  ])('asks for no build of an image %s', async (_, facts) => {
    const providers = [aProvider({ images: [aProviderImage(facts)] })];
    const bench = aBench({ config: { providers } });

    await launchAll(bench);

    expect(statesOf(bench.images.all())).toEqual(['1 ready', '2 delete']);
  });

  test.each(['deleted', 'pending_delete', 'killed'])('counts an image in status %s as gone', async (status) => {
    const bench = aBench();
    bench.cloud.images.add({ id: 'image-2', name: 'trusty', status, properties: {} });

    await launchAll(bench);

    expect(statesOf(bench.images.all())).toContain('2 delete');
  });

  test('is retired once, however many launches meet it', async () => {
    const bench = aBench({ nodes: [1, 2, 3].map((id) => aNode({ id })) });
    bench.cloud.failNext('createServer', REFUSED, 2);

    await launchAll(bench);

    expect(statesOf(bench.images.all())).toEqual(['1 ready', '2 delete', '3 building']);
    expect(bench.history.all().filter(({ subject, event }) => subject === 'image' && event === 'deleted')).toHaveLength(
      1,
    );
    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['delete', 'delete', 'delete']);
  });

  test('pauses nothing, for the next launch has another image', async () => {
    const bench = aBench({ nodes: [1, 2, 3].map((id) => aNode({ id })) });
    bench.cloud.failNext('createServer', REFUSED, 2);
    const { launchPass } = bench.startProcess();

    await runLaunchPass(launchPass, neverAborted);
    await launchPass.launches.settled();

    expect(launchPass.breakers.listOpen()).toEqual([]);
  });
});

describe('an image stays', () => {
  test('when the cloud refuses the server for another reason', async () => {
    const bench = aBench();
    bench.cloud.images.add({ id: 'image-2', name: 'trusty', status: 'active', properties: {} });

    await launchAll(bench);

    expect(statesOf(bench.images.all())).toEqual(['1 ready', '2 ready']);
    expect(bench.metrics.launches).toMatchObject([{ outcome: 'error.unknown' }]);
  });

  test('when the cloud does not say whether it is there', async () => {
    const bench = aBench();
    bench.cloud.failNext('findImage', new TransientProviderError('503'));

    await launchAll(bench);

    expect(statesOf(bench.images.all())).toEqual(['1 ready', '2 ready']);
    expect(bench.node().state).toBe('delete');
  });

  test('when there is no room: that is no failure of the image, and it is not even looked for', async () => {
    const bench = new PoolBench({ config: aConfig() });
    bench.cloud.failNext('createServer', new QuotaExceededError('fake-provider', 'Quota exceeded for instances'));

    await launchAll(bench);

    expect(statesOf(bench.images.all())).toEqual(['1 ready']);
    expect(bench.cloud.calls).not.toContain('findImage');
    expect(bench.nodes.all()).toEqual([]);
  });
});
