import { REREAD } from '../../src/db/change-feed.ts';
import type { Database } from '../../src/db/database.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { MemoryFreezeStore } from '../fakes/memory-freeze-store.ts';
import { MemoryDibImageStore } from '../fakes/memory-dib-image-store.ts';
import { MemoryIdStore } from '../fakes/memory-id-store.ts';
import { MemoryImagePauseStore } from '../fakes/memory-image-pause-store.ts';
import type { MemoryImageStore } from '../fakes/memory-image-store.ts';
import type { MemoryNodeStore } from '../fakes/memory-node-store.ts';
import type { FaultSwitch } from './fault-switch.ts';

export const INSTALLATION = '11111111-1111-4111-8111-111111111111';

type Stores = { readonly nodes: MemoryNodeStore; readonly images: MemoryImageStore; readonly clock: Clock };

/** What the daemon uses of a database, in memory; each statement goes through the switch. */
export function memoryDatabase({ nodes, images, clock }: Stores, fault: FaultSwitch): Database {
  const listeners = new Set<(change: { readonly table: string }) => void>();
  const told = <T extends object>(table: string, store: T): T =>
    afterChange(store, () => {
      for (const listener of listeners) listener({ table });
    });
  const rows = { nodes: fault.wrap(told('node', nodes)), images: fault.wrap(told('snapshot_image', images)) };
  const readyImages = async (): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
    const ready = new Map<string, Set<string>>();
    for (const { provider, image } of await rows.images.list({ states: ['ready'] })) {
      ready.set(provider, (ready.get(provider) ?? new Set()).add(image));
    }
    return ready;
  };
  const nothing = (): Promise<never[]> => Promise.resolve([]);
  const unused = (): never => {
    throw new Error('No daemon of these tests needs that');
  };
  return {
    installationId: INSTALLATION,
    ...rows,
    dibImages: fault.wrap(told('dib_image', new MemoryDibImageStore([], { clock }))),
    imagePauses: fault.wrap(new MemoryImagePauseStore(clock)),
    history: fault.wrap(nodes.history),
    rounds: fault.wrap({ list: nothing, save: () => Promise.resolve() }),
    farmFreeze: fault.wrap(new MemoryFreezeStore(clock)),
    providerStatus: { find: unused, list: unused, save: unused, touch: unused, remove: unused },
    daemons: { list: unused },
    imageData: { restore: unused },
    ids: fault.wrap(new MemoryIdStore()),
    enlist: unused,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    readyImages,
    readAllocationState: async () => {
      const [counts, ready] = await Promise.all([rows.nodes.count(), readyImages()]);
      return { nodes: counts, readyImages: ready };
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** What a connection for notifications says when it is back. */
export const RECONNECTED = { table: REREAD };

const CHANGES: readonly (string | symbol)[] = ['insert', 'apply', 'record', 'remove'];

function afterChange<T extends object>(store: T, tell: () => void): T {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args);
        if (CHANGES.includes(name)) tell();
        return result;
      };
    },
  });
}
