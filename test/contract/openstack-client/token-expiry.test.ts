import { expect, test } from 'vitest';
import type { Clock } from '../../../src/runtime/clock.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { startOpenStack } from './tried-open-stack.ts';

/** By this clock a token never ends, so the client learns it from the cloud: as after a suspended machine. */
const standing: Clock = { ...systemClock, monotonicMs: () => 0 };

test('a token that the cloud refuses is renewed once, and no caller sees it', { timeout: 120_000 }, async () => {
  const exchanges: boolean[] = [];
  await using cloud = await startOpenStack({ clock: standing, onCall: ({ failed }) => exchanges.push(failed) });
  const { provider } = cloud;
  await provider.listServers(neverAborted);
  await cloud.expireTokens();

  const image = await provider.findImage(cloud.imageName, neverAborted);
  await Promise.all([provider.listKeypairs(neverAborted), provider.readLimits(neverAborted)]);
  const { id } = await provider.createServer(
    { name: 'node-1', imageId: cloud.imageId, minRamMib: 512, metadata: {} },
    neverAborted,
  );

  expect(image).toMatchObject({ id: cloud.imageId });
  expect(await provider.findServer(id, neverAborted)).toMatchObject({ id });
  expect(exchanges).not.toContain(true);
});

test('even a create goes again with a fresh token, for a 401 did nothing', { timeout: 120_000 }, async () => {
  await using cloud = await startOpenStack({ clock: standing });
  const { provider } = cloud;
  const spec = { name: 'node-1', imageId: cloud.imageId, minRamMib: 512, metadata: {} };
  const first = await provider.createServer(spec, neverAborted);
  await cloud.expireTokens();

  const second = await provider.createServer(spec, neverAborted);

  const ids = (await provider.listServers(neverAborted)).map(({ id }) => id);
  expect(ids.sort()).toEqual([first.id, second.id].sort());
});
