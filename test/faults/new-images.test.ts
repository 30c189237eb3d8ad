import { expect, test } from 'vitest';
import { aLabel, aProvider, aProviderImage } from '../builders/a-config.ts';
import { AssembledFarm, MIN_READY } from './assembled-farm.ts';

const READY_SCRIPT = 'configure.sh';
const BY_OPERATOR = { who: 'cli:root', why: 'image-update' };

/** Both providers have image 1 or 2 ready; `keys` are of east's image. */
function aFarm(keys: { readonly smokeTest?: boolean; readonly rollbackAfter?: number }): AssembledFarm {
  return new AssembledFarm({
    labels: ['east', 'west'].map((name) =>
      aLabel({ name, providers: [name], minReady: MIN_READY, readyScript: READY_SCRIPT }),
    ),
    providers: ['east', 'west'].map((name) =>
      aProvider({ name, maxServers: 16, images: [aProviderImage(name === 'east' ? keys : {})] }),
    ),
  });
}

/** Asks for a new image of east; its servers are those with addresses from `10.0.0.N` on. */
async function askForImage(farm: AssembledFarm): Promise<number> {
  for (const cloud of farm.clouds) {
    cloud.images.add({ id: `base-${cloud.name}`, name: 'Ubuntu 14.04', status: 'active', properties: {} });
  }
  const wanted = { provider: 'east', image: 'trusty', version: 1_900_000_000 };
  const row = await farm.images.insert(wanted, BY_OPERATOR);
  return row?.id ?? 0;
}

/** From now on the ready script fails on east's next machines. */
function breakScripts(farm: AssembledFarm): void {
  for (let n = 1; n < 250; n += 1) {
    farm.machines.machine(`10.0.0.${n}`).results.set(READY_SCRIPT, { status: 1, lines: ['no mirror'] });
  }
}

const stateOf = (farm: AssembledFarm, imageId: number): string | undefined =>
  farm.images.all().find(({ id }) => id === imageId)?.state;

test('the assembled daemon launches a node from a new image before that is ready, and deletes it again', async () => {
  await using farm = aFarm({ smokeTest: true });
  await farm.passUntilFull(300_000);
  const id = await askForImage(farm);

  let seen = 0;
  await farm.pass(240_000, () => {
    const tested = farm.nodes.all().filter(({ smokeImageId }) => smokeImageId === id);
    seen = Math.max(seen, tested.length);
    expect(tested.every(({ state }) => state !== 'ready')).toBe(true);
  });
  await farm.passUntilFull(300_000);

  expect(seen).toBe(1);
  expect(stateOf(farm, id)).toBe('ready');
  expect(farm.nodes.history.all().some(({ event }) => event === 'smokeTested')).toBe(true);
  expect(farm.leftovers()).toEqual([]);
}, 60_000);

test('a new image whose smoke test fails is never used: it goes, the reason is told, the one before it serves on', async () => {
  await using farm = aFarm({ smokeTest: true });
  await farm.passUntilFull(300_000);
  breakScripts(farm);
  const id = await askForImage(farm);

  await farm.pass(600_000);

  expect(stateOf(farm, id)).toBeUndefined();
  const [failure] = await farm.images.listFailures();
  expect(failure?.lastError).toMatch(
    /^Its smoke test failed 3 times: Node \d+: Ready script configure.sh .*no mirror$/,
  );
  expect(farm.usable('east')).toBe(MIN_READY);
  expect(farm.nodes.all().every(({ imageId }) => imageId !== id)).toBe(true);
  expect(farm.leftovers()).toEqual([]);
}, 60_000);

test('a new image from which launches fail is given up, and the one before it serves again', async () => {
  await using farm = aFarm({ rollbackAfter: 2 });
  await farm.passUntilFull(300_000);
  const id = await askForImage(farm);
  await farm.pass(120_000);
  expect(stateOf(farm, id)).toBe('ready');
  breakScripts(farm);
  for (const node of farm.nodes.all().filter(({ label }) => label === 'east')) {
    await farm.nodes.apply(node, 'deleted', BY_OPERATOR);
  }

  await farm.pass(120_000, () => {
    if (stateOf(farm, id) !== 'ready')
      for (let n = 1; n < 250; n += 1) farm.machines.machine(`10.0.0.${n}`).results.clear();
  });
  await farm.passUntilFull(600_000);

  expect(stateOf(farm, id)).toBeUndefined();
  expect((await farm.images.listFailures())[0]?.lastError).toMatch(/^Given up\. The first \d launches from it failed/);
  expect(farm.usable('east')).toBe(MIN_READY);
  expect(farm.leftovers()).toEqual([]);
}, 60_000);
