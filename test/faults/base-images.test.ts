import { expect, test } from 'vitest';
import { aProvider, aProviderImage } from '../builders/a-config.ts';
import { AssembledFarm } from './assembled-farm.ts';

const LOOK_MS = 300_000;
const BASE = 'Ubuntu 14.04';

test(
  'the daemon sees within five minutes that a base image was replaced in one cloud, while another cloud hangs',
  { timeout: 60_000 },
  async () => {
    const images = [aProviderImage({ baseImage: BASE, rebuildOnBaseChange: true })];
    const providers = ['east', 'west'].map((name) => aProvider({ name, maxServers: 16, images }));
    await using farm = new AssembledFarm({ providers });
    for (const id of [1, 2]) await farm.images.record(id, { baseImageId: 'old' });
    for (const cloud of farm.clouds) cloud.images.add({ id: 'new', name: BASE, status: 'active', properties: {} });
    farm.faults.glance.mode = 'hang'; // east's

    await farm.pass(LOOK_MS + 10_000);

    const begun = farm.images.history.all().filter(({ event }) => event === 'inserted');
    expect(begun).toMatchObject([
      { who: 'image-scheduler', why: `Base image "${BASE}" was replaced: it is new, and was old` },
    ]);
    const rows = farm.images.all().map(({ id, provider }) => [id, provider]);
    expect(rows).toEqual([
      [1, 'east'],
      [2, 'west'],
      [3, 'west'],
    ]);
  },
);
