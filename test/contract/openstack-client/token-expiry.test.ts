import { expect, test } from 'vitest';
import type { Clock } from '../../../src/runtime/clock.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { startOpenStack } from './tried-open-stack.ts';

/** By this clock a token never ends, so the client learns it from the cloud: as after a suspended machine. */
const standing: Clock = { ...systemClock, monotonicMs: () => 0 };

test(
  'a token that the cloud refuses is renewed once and no caller sees it, not even a create, for a 401 did nothing',
  { timeout: 120_000 },
  async () => {
    const exchanges: boolean[] = [];
    await using cloud = await startOpenStack({ clock: standing, onCall: ({ failed }) => exchanges.push(failed) });
    const { provider } = cloud;
    const spec = { name: 'node-1', imageId: cloud.imageId, minRamMib: 512, metadata: {} };
    const first = await provider.createServer(spec, neverAborted);
    await cloud.expireTokens();

    const second = await provider.createServer(spec, neverAborted);
    const image = await provider.findImage(cloud.imageName, neverAborted);
    await Promise.all([provider.listKeypairs(neverAborted), provider.readLimits(neverAborted)]);

    const ids = (await provider.listServers(neverAborted)).map(({ id }) => id);
    expect(ids.sort()).toEqual([first.id, second.id].sort());
    expect(image).toMatchObject({ id: cloud.imageId });
    expect(exchanges).not.toContain(true);
  },
);
