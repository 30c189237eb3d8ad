import { describe, expect, test } from 'vitest';
import { DibBench, dibConfig } from './dib-bench.ts';

const BY_TEST = { who: 'launcher', why: 'Node 7: Ready script ready.sh ended with status 1' };

function aBench(): DibBench {
  return new DibBench(dibConfig({}, { 'smoke-test': true }));
}

describe('an upload whose section asks for a smoke test', () => {
  test('waits when it is in the cloud, and is not uploaded twice', async () => {
    const bench = aBench();

    await bench.passes(4);

    expect(bench.upload()).toMatchObject({ state: 'building', step: 'smoke-test', externalId: 'uploaded-1' });
    expect(bench.builders.begun).toEqual(['build 1', 'upload 1 fake-provider']);
    expect(bench.updated).toEqual([]);
  });

  test('waits on after a restart, though no builder offers its files any more', async () => {
    const bench = aBench();
    await bench.passes();
    await bench.restart();
    bench.builders.files.clear();

    await bench.passes();

    expect(bench.upload()).toMatchObject({ state: 'building', step: 'smoke-test' });
    expect(bench.builders.begun).toHaveLength(2);
  });

  test('is ready when a node came through', async () => {
    const bench = aBench();
    await bench.passes();
    await bench.images.noteLaunch(1, 'launched', { who: 'launcher', why: 'Node 8' });

    await bench.pass();

    expect(bench.upload()).toMatchObject({ state: 'ready', externalId: 'uploaded-1' });
    expect(bench.updated).toMatchObject([{ provider: 'fake-provider', image: 'trusty' }]);
  });

  test('that fails is deleted and uploaded again after a while only', async () => {
    const bench = aBench();
    await bench.passes();
    for (let n = 0; n < 3; n += 1) await bench.images.noteLaunch(1, 'launchFailed', BY_TEST);

    await bench.passes();

    const reason = `Its smoke test failed 3 times: ${BY_TEST.why}`;
    expect(bench.images.all()).toEqual([]);
    expect(bench.left()).toEqual([]);
    expect(bench.failures).toMatchObject([{ kind: 'upload', dibImageId: 1, reason, failures: 1 }]);

    for (let n = 0; n < 4; n += 1) await bench.clock.sleep(30_000);
    await bench.passes();
    expect(bench.upload()).toMatchObject({ id: 2, state: 'building', step: 'smoke-test' });
  });

  test('keeps the files of its build, which are needed until it is ready', async () => {
    const bench = aBench();
    await bench.passes();

    const build = await bench.builds.find(1);
    if (build !== undefined) await bench.builds.apply(build, 'deleted', { who: 'cli:me', why: 'test' });
    await bench.passes();

    expect(bench.builders.files.has(1)).toBe(true);
  });
});
