import type { ImagePause, ImagePauseStore } from '../../src/image/image-pause-store.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { compareRows } from './compare-rows.ts';
import { FakeClock } from './fake-clock.ts';

/** What operators paused, in memory. Held to the store contract. */
export class MemoryImagePauseStore implements ImagePauseStore {
  readonly #clock: Clock;
  readonly #pauses = new Map<string, ImagePause>();

  constructor(clock: Clock = new FakeClock()) {
    this.#clock = clock;
  }

  list(): Promise<readonly ImagePause[]> {
    return Promise.resolve([...this.#pauses.values()].sort((a, b) => compareRows([a.name], [b.name])));
  }

  pause(name: string, { who }: { readonly who: string }): Promise<boolean> {
    const isNew = !this.#pauses.has(name);
    if (isNew) this.#pauses.set(name, { name, since: this.#clock.now(), who });
    return Promise.resolve(isNew);
  }

  unpause(name: string): Promise<boolean> {
    return Promise.resolve(this.#pauses.delete(name));
  }
}
