import { FakeClock } from '../../fakes/fake-clock.ts';
import { MemoryHistoryStore } from '../../fakes/memory-history-store.ts';
import { MemoryIdStore } from '../../fakes/memory-id-store.ts';
import { MemoryImageStore } from '../../fakes/memory-image-store.ts';
import { MemoryNodeStore } from '../../fakes/memory-node-store.ts';
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

function imageWorld(): Promise<ImageStoreWorld> {
  const clock = new FakeClock();
  const history = new MemoryHistoryStore(clock);
  return Promise.resolve({ images: new MemoryImageStore([], { clock, history }), history, clock });
}

describeNodeStore('MemoryNodeStore', nodeWorld);
describeHistory('MemoryHistoryStore', nodeWorld);
describeImageStore('MemoryImageStore', imageWorld);
describeIdStore('MemoryIdStore', () => Promise.resolve({ ids: new MemoryIdStore(), nextId: undefined }));
