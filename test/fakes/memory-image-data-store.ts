import type { ImageData, ImageDataStore } from '../../src/image/image-data.ts';
import type { MemoryDibImageStore } from './memory-dib-image-store.ts';
import type { MemoryImageStore } from './memory-image-store.ts';

/** Puts images of another database into stores in memory. Held to the store contract. */
export class MemoryImageDataStore implements ImageDataStore {
  readonly #builds: MemoryDibImageStore;
  readonly #images: MemoryImageStore;

  constructor(builds: MemoryDibImageStore, images: MemoryImageStore) {
    this.#builds = builds;
    this.#images = images;
  }

  restore({ builds, images }: ImageData, cause: { readonly who: string; readonly why: string }): Promise<void> {
    const known = { builds: new Set(idsOf(this.#builds.all())), images: new Set(idsOf(this.#images.all())) };
    const isThere = builds.some(({ id }) => known.builds.has(id)) || images.some(({ id }) => known.images.has(id));
    if (isThere) return Promise.reject(new Error('An id exists'));
    const entry = { event: 'inserted', to: 'ready', ...cause };
    for (const build of builds) {
      this.#builds.put({ ...build, state: 'ready', rowVersion: 1, withdrawnFrom: [] });
      this.#images.history.add({ ...entry, subject: 'dib-image', subjectId: build.id });
    }
    for (const image of images) {
      this.#images.put({ ...image, state: 'ready', rowVersion: 1 });
      this.#images.history.add({ ...entry, subject: 'image', subjectId: image.id });
    }
    return Promise.resolve();
  }
}

function idsOf(rows: readonly { readonly id: number }[]): readonly number[] {
  return rows.map(({ id }) => id);
}
