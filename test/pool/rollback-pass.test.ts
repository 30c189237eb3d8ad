import { describe, expect, test } from 'vitest';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { runRollbackPass } from '../../src/pool/rollback-pass.ts';
import { aLabel, aProvider, aProviderImage } from '../builders/a-config.ts';
import { aDibImage } from '../builders/a-dib-image.ts';
import { aNode, aReadyNode } from '../builders/a-node.ts';
import { anImage } from '../builders/an-image.ts';
import { MemoryDibImageStore } from '../fakes/memory-dib-image-store.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench } from './pool-bench.ts';

/** Image 1 served, image 2 is new; a launch of each of so many nodes is due. */
function aBench(nodes: number, rollbackAfter = 2): PoolBench {
  const bench = new PoolBench({
    nodes: Array.from({ length: nodes }, (_, index) => aNode({ id: index + 1 })),
    config: {
      labels: [aLabel({ readyScript: 'ready.sh' })],
      providers: [aProvider({ images: [aProviderImage({ rollbackAfter })] })],
    },
  });
  bench.images.put(anImage({ id: 2, dibImageId: 5 }));
  bench.cloud.images.add({ id: 'image-2', name: 'template-trusty', status: 'active', properties: {} });
  return bench;
}

async function launchAll(bench: PoolBench): Promise<void> {
  const { launchPass } = bench.startProcess();
  await runLaunchPass(launchPass, neverAborted);
  await launchPass.launches.settled();
}

/** A pass of a daemon that remembers nothing. */
async function rollBack(bench: PoolBench, dibImages = new MemoryDibImageStore([])): Promise<void> {
  const { images, nodes, clock, randomness, log } = bench;
  const imageFailures = { tell: () => undefined };
  await runRollbackPass({
    ...{ images, dibImages, nodes, clock, randomness, log, imageFailures },
    config: () => bench.config,
  });
}

const breakScripts = (bench: PoolBench, hosts: readonly number[]): void => {
  for (const n of hosts)
    bench.machines.machine(`10.0.0.${n}`).results.set('ready.sh', { status: 1, lines: ['no disk'] });
};

const states = (bench: PoolBench): readonly string[] => bench.images.all().map(({ id, state }) => `${id} ${state}`);

describe('a new image whose first launches fail on their machines', () => {
  test('is given up after so many, whichever daemon counts, with the reason in history and log', async () => {
    const bench = aBench(2);
    breakScripts(bench, [1, 2]);
    await launchAll(bench);

    await rollBack(bench);

    expect(states(bench)).toEqual(['1 ready', '2 delete']);
    const told = bench.history.all().find(({ event }) => event === 'rolledBack');
    expect(told).toMatchObject({ subject: 'image', subjectId: 2, who: 'rollback' });
    expect(told?.why).toMatch(
      /^The first 2 launches from it failed: Node \d: Ready script .* no disk; image 1 serves again$/,
    );
    expect(bench.log.messages('error').at(-1)).toContain('Image trusty in fake-provider is given up: The first 2');
  });

  test('counts as a failed build, so that the next one waits', async () => {
    const bench = aBench(2);
    breakScripts(bench, [1, 2]);
    await launchAll(bench);

    await rollBack(bench);

    const [failure] = await bench.images.listFailures();
    expect(failure).toMatchObject({ provider: 'fake-provider', image: 'trusty', failures: 1 });
    expect(failure?.lastError).toContain('Given up. The first 2 launches from it failed');
    expect(failure?.retryAt.getTime()).toBeGreaterThan(bench.clock.now().getTime());
  });

  test('is not uploaded there again: its build is withdrawn', async () => {
    const bench = aBench(2);
    breakScripts(bench, [1, 2]);
    await launchAll(bench);
    const dibImages = new MemoryDibImageStore([aDibImage({ id: 5 })]);

    await rollBack(bench, dibImages);

    expect(dibImages.all()[0]?.withdrawnFrom).toEqual(['["fake-provider","trusty"]']);
  });

  test('lets the next launch use the image before it', async () => {
    const bench = aBench(2);
    breakScripts(bench, [1, 2]);
    await launchAll(bench);
    await rollBack(bench);
    bench.nodes.put(aNode({ id: 3 }));

    await launchAll(bench);

    expect(bench.node(3)).toMatchObject({ state: 'ready', imageId: 1 });
  });
});

describe('a new image stays', () => {
  test('when one launch worked, for then it is not the image', async () => {
    const bench = aBench(3);
    breakScripts(bench, [2, 3]);

    await launchAll(bench);
    await rollBack(bench);

    expect(states(bench)).toEqual(['1 ready', '2 ready']);
    expect(bench.images.all()[1]).toHaveProperty('launchedAt');
  });

  test('when the cloud is to blame', async () => {
    const bench = aBench(3);
    for (let n = 0; n < 3; n += 1) bench.cloud.failNextBoot('No valid host was found');

    await launchAll(bench);
    await rollBack(bench);

    expect(bench.images.all()[1]).not.toHaveProperty('failedLaunches');
  });

  test('when nodes of it serve already, from a time when nobody counted', async () => {
    const bench = aBench(2);
    breakScripts(bench, [1, 2]);
    await launchAll(bench);
    bench.nodes.put(aReadyNode({ id: 9, imageId: 2, state: 'used' }));

    await rollBack(bench);

    expect(states(bench)).toEqual(['1 ready', '2 ready']);
  });

  test('and nothing is counted or read without the key', async () => {
    const bench = aBench(2, 0);
    breakScripts(bench, [1, 2]);
    await launchAll(bench);
    bench.images.list = () => Promise.reject(new Error('Nobody needs that'));

    await rollBack(bench);

    expect(bench.images.all()[1]).not.toHaveProperty('failedLaunches');
  });
});
