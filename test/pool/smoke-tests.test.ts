import { describe, expect, test } from 'vitest';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { labelKey, providerKey, smokeKey } from '../../src/pool/launch-breakers.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { QuotaExceededError, RequestRefusedError } from '../../src/provider/errors.ts';
import { aLabel, aProvider, aProviderImage } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { anImage } from '../builders/an-image.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench, type PoolProcess } from './pool-bench.ts';

/** Image 1 serves, image 2 waits for its smoke test, and node 1 is to be launched from it with a ready script. */
function aBench(): PoolBench {
  const bench = new PoolBench({
    nodes: [aNode({ smokeImageId: 2 })],
    config: {
      labels: [aLabel({ readyScript: 'ready.sh' })],
      providers: [aProvider({ images: [aProviderImage({ smokeTest: true })] })],
    },
  });
  bench.images.put(anImage({ id: 2, state: 'building', step: 'smoke-test' }));
  bench.cloud.images.add({ id: 'image-2', name: 'template-trusty', status: 'active', properties: {} });
  return bench;
}

async function launch(bench: PoolBench, process: PoolProcess = bench.startProcess()): Promise<void> {
  await runLaunchPass(process.launchPass, neverAborted);
  await process.launchPass.launches.settled();
}

function tested(bench: PoolBench): SnapshotImage | undefined {
  return bench.images.all().find(({ id }) => id === 2);
}

describe('the node of a smoke test', () => {
  test('is launched from the image that waits, with the ready script, and goes without a word to Jenkins', async () => {
    const bench = aBench();
    const asked: string[] = [];
    const createServer = bench.cloud.createServer.bind(bench.cloud);
    bench.cloud.createServer = (spec, signal) => {
      asked.push(spec.imageId);
      return createServer(spec, signal);
    };

    await launch(bench);

    expect(asked).toEqual(['image-2']);
    expect(bench.machines.machine('10.0.0.1').timesRun('ready.sh')).toBe(1);
    expect(bench.node()).toMatchObject({ state: 'delete', imageId: 2 });
    expect(bench.agents.nodenames).toEqual([]);
    expect(tested(bench)?.launchedAt).toEqual(bench.clock.now());
    expect(bench.history.all().map(({ subject, event }) => `${subject} ${event}`)).toContain('node smokeTested');
  });

  test('leaves nothing behind', async () => {
    const bench = aBench();
    const process = bench.startProcess();
    await launch(bench, process);

    await runDeletionPass(process.deletionPass, neverAborted);
    await process.deletionPass.deletions.settled();

    expect(bench.nodes.all()).toEqual([]);
    expect(bench.cloud.servers.size).toBe(0);
  });

  test('that fails is counted against the image once, and pauses neither label nor provider', async () => {
    const bench = aBench();
    const process = bench.startProcess();
    bench.machines.machine('10.0.0.1').results.set('ready.sh', { status: 3, lines: ['no mirror'] });

    await launch(bench, process);

    const why = 'Node 1: Ready script ready.sh ended with status 3: no mirror';
    expect(bench.node().state).toBe('delete');
    expect(tested(bench)).toMatchObject({ failedLaunches: 1, lastError: why });
    const { breakers } = process.launchPass;
    for (const key of [labelKey('trusty', 'trusty'), providerKey('fake-provider')]) {
      for (const reason of ['another', 'one more']) breakers.failed(key, reason);
      expect(breakers.isOpen(key), key).toBe(false);
    }
  });

  test('that fails because of the cloud does not count: the image may be good', async () => {
    const bench = aBench();
    bench.cloud.failNextBoot('No valid host was found');

    await launch(bench);

    expect(bench.node().state).toBe('delete');
    expect(tested(bench)).not.toHaveProperty('failedLaunches');
  });

  test('for which there is no room goes, and does not count', async () => {
    const bench = aBench();
    bench.cloud.failNext('createServer', new QuotaExceededError('fake-provider', 'Quota exceeded for instances'));

    await launch(bench);

    expect(bench.nodes.all()).toEqual([]);
    expect(tested(bench)).not.toHaveProperty('failedLaunches');
  });

  test('that the cloud refuses counts: an image may be larger than the flavor’s disk', async () => {
    const bench = aBench();
    bench.cloud.failNext('createServer', new RequestRefusedError('Flavor’s disk is too small'));

    await launch(bench);

    expect(tested(bench)).toMatchObject({ state: 'building', failedLaunches: 1 });
  });

  test('pauses further ones of that image after three failures in a row, whatever they are', async () => {
    const bench = aBench();
    const process = bench.startProcess();
    for (let n = 1; n <= 3; n += 1) {
      bench.nodes.put(aNode({ id: n, smokeImageId: 2 }));
      bench.cloud.failNextBoot('No valid host was found');
      await launch(bench, process);
    }

    expect(process.launchPass.breakers.listOpen()).toMatchObject([{ key: smokeKey('fake-provider', 'trusty') }]);
  });

  test('goes where the image waits for no test any more, before a server is made', async () => {
    const bench = aBench();
    bench.images.put(anImage({ id: 2, state: 'ready' }));

    await launch(bench);

    expect(bench.node().state).toBe('delete');
    expect(bench.cloud.calls).not.toContain('createServer');
  });

  test.each(['wait-active', 'wait-ssh', 'write-files'] as const)(
    'is resumed by the next daemon from step %s',
    async (step) => {
      const bench = aBench();
      await launch(bench);
      const { externalId = '', hostname = '', attempt = '' } = bench.node();
      const ip = '10.0.0.1';
      bench.nodes.put(aNode({ smokeImageId: 2, step, externalId, hostname, attempt, ip, imageId: 2 }));
      bench.images.put(anImage({ id: 2, state: 'building', step: 'smoke-test' }));

      await launch(bench);

      expect(bench.cloud.servers.size).toBe(1);
      expect(bench.node().state).toBe('delete');
      expect(tested(bench)).toHaveProperty('launchedAt');
    },
  );

  test('whose ready script was cut off by a restart goes, which is no fault of the image', async () => {
    const bench = aBench();
    bench.nodes.put(aNode({ smokeImageId: 2, step: 'ready-script', externalId: 'server-1' }));

    await launch(bench);

    expect(bench.node().state).toBe('delete');
    expect(tested(bench)).not.toHaveProperty('failedLaunches');
  });
});
