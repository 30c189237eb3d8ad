import { FakeClock } from '../../fakes/fake-clock.ts';
import { MemoryDibImageStore } from '../../fakes/memory-dib-image-store.ts';
import { MemoryHistoryStore } from '../../fakes/memory-history-store.ts';
import { MemoryIdStore } from '../../fakes/memory-id-store.ts';
import { MemoryImageDataStore } from '../../fakes/memory-image-data-store.ts';
import { MemoryImagePauseStore } from '../../fakes/memory-image-pause-store.ts';
import { MemoryImageStore } from '../../fakes/memory-image-store.ts';
import { MemoryNodeStore } from '../../fakes/memory-node-store.ts';
import { describeDibImageStore, type DibImageStoreWorld } from './dib-image-store-contract.ts';
import { describeHistory } from './history-contract.ts';
import { describeIdStore } from './id-store-contract.ts';
import type { ImageStoreWorld } from './image-store-contract.ts';
import { describeImageStore } from './image-store-contract.ts';
import type { NodeStoreWorld } from './node-store-contract.ts';
import { describeNodeStore } from './node-store-contract.ts';

function nodeWorld(): Promise<NodeStoreWorld> {
  const clock = new FakeClock();
  const history = new MemoryHistoryStore(clock);
  const nodes = new MemoryNodeStore([], { clock, history });
  const addSubnodes = (nodeId: number, count: number): Promise<void> => {
    nodes.setSubnodes(nodeId, count);
    return Promise.resolve();
  };
  return Promise.resolve({ nodes, history, clock, addSubnodes });
}

function imageWorld(): Promise<ImageStoreWorld & { readonly images: MemoryImageStore }> {
  const clock = new FakeClock();
  const history = new MemoryHistoryStore(clock);
  return Promise.resolve({ images: new MemoryImageStore([], { clock, history }), history, clock });
}

async function dibWorld(): Promise<DibImageStoreWorld> {
  const world = await imageWorld();
  const dibImages = new MemoryDibImageStore([], { clock: world.clock, history: world.images.history });
  const imageData = new MemoryImageDataStore(dibImages, world.images);
  const imagePauses = new MemoryImagePauseStore(world.clock);
  return { ...world, history: world.images.history, dibImages, imagePauses, imageData };
}

describeNodeStore('MemoryNodeStore', nodeWorld);
describeHistory('MemoryHistoryStore', nodeWorld);
describeImageStore('MemoryImageStore', imageWorld);
describeDibImageStore('MemoryDibImageStore', dibWorld);
describeIdStore('MemoryIdStore', () => Promise.resolve({ ids: new MemoryIdStore(), nextId: undefined }));
