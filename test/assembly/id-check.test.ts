import { expect, test } from 'vitest';
import { IdCheck } from '../../src/assembly/id-check.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { aConfig, aProvider } from '../builders/a-config.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { MemoryIdStore } from '../fakes/memory-id-store.ts';
import { MemoryNodeStore } from '../fakes/memory-node-store.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { aNodeServer } from '../pool/leaks/leak-bench.ts';
import { passTime } from '../pool/pass-time.ts';
import { INSTALLATION } from '../pool/pool-bench.ts';

function aBench() {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const ids = new MemoryIdStore({ node: 5 });
  const clouds = ['east', 'west'].map((name, index) => {
    return new FakeCloud({ name, servers: [aNodeServer(`server-${index}`, 10 * (index + 1), { provider: name })] });
  });
  const config = aConfig({ providers: clouds.map(({ name }) => aProvider({ name })) });
  const clients = { config, cloudOf: (provider: string) => clouds.find(({ name }) => name === provider) };
  const check = new IdCheck({
    ...{ clock, log, ids, clients, nodes: new MemoryNodeStore([], { clock }), installationId: INSTALLATION },
  });
  return { clock, log, ids, clouds, check };
}

test('all clouds are asked once, whoever waits for it and however often', async () => {
  const { check, clouds, ids } = aBench();

  await Promise.all([check.done(neverAborted), check.done(neverAborted)]);
  await check.done(neverAborted);

  expect(ids.last.node).toBeGreaterThanOrEqual(1010);
  expect(clouds.map(({ calls }) => calls)).toEqual([
    ['listServers', 'listImages'],
    ['listServers', 'listImages'],
  ]);
});

test('a cloud that fails is told of and passed over', async () => {
  const { check, clouds, ids, log } = aBench();
  clouds[1]?.failNext('listServers', new TransientProviderError('Nova answers 503'));

  await check.done(neverAborted);

  expect(ids.last.node).toBe(1010);
  expect(log.messages('warn')).toContain('Cannot look for ids in use in west: Nova answers 503');
});

test('a cloud that hangs holds up the first launches for eight seconds at most', async () => {
  const { check, clouds, clock, log } = aBench();
  clouds[0]?.hangNext('listServers');
  let isDone = false;
  const done = check.done(neverAborted).then(() => (isDone = true));

  await passTime(clock, 7_900);
  const early = isDone;
  await passTime(clock, 200);
  await done;

  expect(early).toBe(false);
  expect(log.messages('warn')).toContain(
    'Cannot look for ids in use in east: Timeout waiting for the servers of east (8 s)',
  );
});

test('a database that is away is asked again by the next pass', async () => {
  const { check, ids } = aBench();
  const raiseAbove = ids.raiseAbove.bind(ids);
  ids.raiseAbove = () => Promise.reject(new DatabaseUnavailableError('The database is away'));
  await expect(check.done(neverAborted)).rejects.toThrow('The database is away');

  ids.raiseAbove = raiseAbove;
  await check.done(neverAborted);

  expect(ids.last.node).toBeGreaterThanOrEqual(1010);
});
