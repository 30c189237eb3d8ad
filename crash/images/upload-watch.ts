import { systemClock } from '../../src/runtime/clock.ts';
import { overviewOf } from './cloud-images.ts';
import { PROVIDERS, type ProviderName } from './image-config.ts';
import type { ImageFarm } from './image-farm.ts';

const LOOK_MS = 50;

/** Looks again and again whether a cloud gets two images at the same time: each provider has one image. Dispose of it. */
export class UploadWatch implements AsyncDisposable {
  readonly #farm: ImageFarm;
  readonly #seen = new Set<string>();
  readonly #over = new AbortController();
  readonly #watching: Promise<unknown>;

  constructor(farm: ImageFarm) {
    this.#farm = farm;
    this.#watching = Promise.all(PROVIDERS.map((provider) => this.#watch(provider)));
  }

  /** What should not have been: one line for each pair of uploads. */
  get doubled(): readonly string[] {
    return [...this.#seen];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#watching;
  }

  async #watch(provider: ProviderName): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const overview = await overviewOf(this.#farm, provider).catch(() => undefined); // it is being killed, or begins
      const saving = (overview?.images ?? []).filter(({ status }) => status === 'saving');
      const ids = saving.map(({ id, properties }) => `${id} of row ${properties['nodepool_upload_id'] ?? '?'}`);
      if (ids.length > 1) this.#seen.add(`${provider} got two uploads at once: ${ids.sort().join(', ')}`);
      await systemClock.sleep(LOOK_MS, signal).catch(() => undefined); // over
    }
  }
}
