import { expect, test } from 'vitest';
import { runDibPass } from '../../src/dib/dib-pass.ts';
import { aConfig, aLabel, aProvider, aProviderImage } from '../builders/a-config.ts';
import { configOf } from '../builders/config-of.ts';
import { aDibImage } from '../builders/a-dib-image.ts';
import { anImage } from '../builders/an-image.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { DibBench } from './dib-bench.ts';

const IMAGES = Array.from({ length: 20 }, (_, index) => `image-${index + 1}`);
const PROVIDERS = Array.from({ length: 8 }, (_, index) => `provider-${index + 1}`);

/** Made of parsed sections: reading so long a file takes longer than all passes. */
function largeFarm(): DibBench {
  const images = IMAGES.map((name) => aProviderImage({ name, diskimage: `dib-${name}` }));
  const plain = { elements: [], release: '', envVars: {}, formats: [], pause: false, buildTimeoutMs: 28_800_000 };
  return new DibBench(
    aConfig({
      diskimages: IMAGES.map((name) => ({ name: `dib-${name}`, ...plain })),
      providers: PROVIDERS.map((name) => aProvider({ name, images })),
      labels: IMAGES.map((name) => aLabel({ name, image: name, providers: PROVIDERS })),
    }),
  );
}

/** Two builds of each, and both in each provider. */
function fill(bench: DibBench): void {
  for (const [index, image] of IMAGES.entries()) {
    for (const id of [index + 1, index + 101]) {
      bench.builds.put(aDibImage({ id, diskimage: `dib-${image}` }));
      for (const [place, provider] of PROVIDERS.entries()) {
        bench.images.put(anImage({ id: 1000 * (place + 1) + id, provider, image, dibImageId: id }));
      }
    }
  }
}

/** The store's calls, of which each is a statement. */
function counted<Store extends object>(store: Store, calls: string[]): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]): unknown => {
        calls.push(String(key));
        return Reflect.apply(value, target, args);
      };
    },
  });
}

async function statementsOf(bench: DibBench): Promise<readonly string[]> {
  const calls: string[] = [];
  const { images, dibImages, imagePauses, ...deps } = bench.deps();
  const stores = { images: counted(images, calls), dibImages: counted(dibImages, calls) };
  await runDibPass({ ...deps, ...stores, imagePauses: counted(imagePauses, calls) }, neverAborted);
  return calls;
}

test('a pass over 20 images in 8 providers that have all they need costs three statements', async () => {
  const bench = largeFarm();
  fill(bench);

  expect(await statementsOf(bench)).toEqual(['list', 'list', 'listFailures']);
  expect(bench.builders.asked).toBe(0);
});

test('a pass that finds an upload missing reads five times, and then only what it changed', async () => {
  const bench = largeFarm();
  fill(bench);
  await bench.imagePauses.pause('image-20', { who: 'cli:ada' });
  for (const row of bench.images.all().filter(({ image, id }) => image === 'image-20' && id % 1000 > 100)) {
    await bench.images.remove(row, { who: 'test', why: 'Gone' });
  }

  expect([...(await statementsOf(bench))].sort()).toEqual(['list', 'list', 'list', 'listFailures', 'listFailures']);
});

test('a farm without disk images pays for one look at the tables, and then for nothing', async () => {
  const bench = new DibBench(configOf());

  expect(await statementsOf(bench)).toHaveLength(2);
  expect(await statementsOf(bench)).toEqual([]);
  expect(bench.builders.asked).toBe(0);
});

test('a hundred and sixty uploads that begin at once ask Gearman once what builders have', async () => {
  const bench = largeFarm();
  for (const [index, image] of IMAGES.entries()) {
    bench.builds.put(aDibImage({ id: index + 1, diskimage: `dib-${image}` }));
    bench.builders.files.add(index + 1);
  }

  await bench.pass();

  expect(bench.images.all()).toHaveLength(160);
  expect(bench.builders.asked).toBe(1);
});
