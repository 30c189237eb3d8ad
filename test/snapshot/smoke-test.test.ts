import { describe, expect, test } from 'vitest';
import { configOf, anImageSection, aProviderSection } from '../builders/config-of.ts';
import { BuildBench } from './build-bench.ts';

const BY_TEST = { who: 'launcher', why: 'Node 7: Ready script ready.sh ended with status 1' };

function aBench(keys: Readonly<Record<string, unknown>> = {}): BuildBench {
  const bench = new BuildBench();
  const images = [anImageSection({ 'smoke-test': true, ...keys })];
  bench.config = configOf({ providers: [aProviderSection({ images, 'launch-retries': 2 })] });
  return bench;
}

describe('a snapshot whose section asks for a smoke test', () => {
  test('is not ready when it is saved: it waits, without its build server', async () => {
    const bench = aBench();

    await bench.pass();
    await bench.pass();

    expect(bench.row()).toMatchObject({ state: 'building', step: 'smoke-test' });
    expect(bench.row()).toHaveProperty('stepStartedAt');
    expect(bench.row()).not.toHaveProperty('serverExternalId');
    expect(bench.cloud.servers.size).toBe(0);
    expect(bench.images.all()).toHaveLength(1);
    expect(bench.updated).toEqual([]);
    expect(bench.log.messages('info')).toContain('Image trusty in fake-provider waits for its smoke test');
  });

  test('is ready when a node came through, and what failed before is forgotten', async () => {
    const bench = aBench();
    await bench.pass();
    const { id } = bench.row();
    await bench.images.noteLaunch(id, 'launchFailed', BY_TEST);
    await bench.images.noteLaunch(id, 'launched', { who: 'launcher', why: 'Node 8' });

    await bench.pass();

    expect(bench.row().state).toBe('ready');
    expect(Object.keys(bench.row())).not.toEqual(expect.arrayContaining(['launchedAt', 'failedLaunches']));
    expect(bench.updated).toMatchObject([{ provider: 'fake-provider', image: 'trusty' }]);
    expect(await bench.images.listFailures()).toEqual([]);
  });

  test('that fails is deleted from the cloud, told as a failed build, and built again after a while only', async () => {
    const bench = aBench();
    await bench.pass();
    const { id, externalId = '' } = bench.row();
    for (let n = 0; n < 2; n += 1) await bench.images.noteLaunch(id, 'launchFailed', BY_TEST);

    await bench.pass();
    await bench.pass();
    await bench.pass();

    const why = `Its smoke test failed 2 times: ${BY_TEST.why}`;
    expect(bench.images.all()).toEqual([]);
    expect(bench.cloud.images.peekAll().map((image) => image.id)).not.toContain(externalId);
    expect(await bench.images.listFailures()).toMatchObject([{ failures: 1, lastError: why }]);
    expect(bench.failures).toMatchObject([{ kind: 'snapshot', id, reason: why, failures: 1 }]);
    expect(bench.log.messages('error')).toEqual([`Image trusty in fake-provider is not used: ${why}`]);
  });

  test('is given up after eight hours', async () => {
    const bench = aBench();
    await bench.pass();
    const longAgo = new Date(bench.clock.now().getTime() - 8 * 3_600_000 - 1_000);
    bench.images.put({ ...bench.row(), stepStartedAt: longAgo });

    await bench.pass();

    expect(bench.images.all().filter(({ state }) => state === 'building')).toEqual([]);
    expect((await bench.images.listFailures())[0]?.lastError).toContain('did not end within 8 h');
  });

  test('is ready at once when the key is taken away', async () => {
    const bench = aBench();
    await bench.pass();
    bench.config = aBench({ 'smoke-test': false }).config;

    await bench.pass();

    expect(bench.row().state).toBe('ready');
  });
});
