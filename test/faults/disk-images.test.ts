import { expect, test } from 'vitest';
import { aLabel, aProvider, aProviderImage } from '../builders/a-config.ts';
import { configOf } from '../builders/config-of.ts';
import { AssembledFarm, MIN_READY } from './assembled-farm.ts';

const [DISK] = configOf({ diskimages: [{ name: 'dib-trusty' }] }).diskimages;

/** The farm's two providers, whose images a builder makes. */
function diskImageFarm(): AssembledFarm {
  const images = [aProviderImage({ name: 'dib', diskimage: 'dib-trusty', baseImage: '', setup: '' })];
  return new AssembledFarm({
    diskimages: DISK === undefined ? [] : [DISK],
    labels: ['east', 'west'].map((name) => aLabel({ name, image: 'dib', providers: [name], minReady: MIN_READY })),
    providers: ['east', 'west'].map((name) => aProvider({ name, maxServers: 16, images })),
  });
}

test('the assembled daemon builds a disk image, uploads it to both providers, and launches nodes from that', async () => {
  await using farm = diskImageFarm();
  farm.builders.diskimages.add('dib-trusty');

  await farm.passUntilFull(300_000);

  expect(farm.builders.begun).toEqual(['build 1', 'upload 1 east', 'upload 1 west']);
  const uploads = farm.images.all().filter(({ dibImageId }) => dibImageId === 1);
  expect(uploads.map(({ provider, state }) => [provider, state])).toEqual([
    ['east', 'ready'],
    ['west', 'ready'],
  ]);
  const used = new Set(farm.nodes.all().map(({ imageId }) => imageId));
  expect(used).toEqual(new Set(uploads.map(({ id }) => id)));
}, 30_000);
