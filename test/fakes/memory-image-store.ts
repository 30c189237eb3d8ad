import { buildKeypairNames } from '../../src/image/build-keypair.ts';
import type { ImageFilter, ImageStore } from '../../src/image/image-store.ts';
import type { ImageEvent } from '../../src/image/lifecycle.ts';
import { nextImageState } from '../../src/image/lifecycle.ts';
import type {
  BuildFailure,
  NewSnapshotImage,
  SnapshotImage,
  SnapshotImageFacts,
} from '../../src/image/snapshot-image.ts';
import type { Cause } from '../../src/node/cause.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { compareRows, wholeSecond } from './compare-rows.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryHistoryStore } from './memory-history-store.ts';
import type { MemoryStoreDeps } from './memory-node-store.ts';

/** The providers' images in memory. Held to the store contract, so it behaves as the one in Postgres. */
export class MemoryImageStore implements ImageStore {
  readonly history: MemoryHistoryStore;
  readonly #clock: Clock;
  readonly #images = new Map<number, SnapshotImage>();
  readonly #failures = new Map<string, BuildFailure>();
  #lastId = 0;

  constructor(images: readonly SnapshotImage[] = [], deps: MemoryStoreDeps = {}) {
    this.#clock = deps.clock ?? new FakeClock();
    this.history = deps.history ?? new MemoryHistoryStore(this.#clock);
    for (const image of images) this.put(image);
  }

  /** Every image, by id. */
  all(): readonly SnapshotImage[] {
    return [...this.#images.values()].sort((a, b) => a.id - b.id);
  }

  /** Adds or replaces a row as it is: for what happened before the test, or behind the code's back. */
  put(image: SnapshotImage): void {
    this.#images.set(image.id, image);
    this.#lastId = Math.max(this.#lastId, image.id);
  }

  find(id: number): Promise<SnapshotImage | undefined> {
    return Promise.resolve(this.#images.get(id));
  }

  list(filter: ImageFilter = {}): Promise<readonly SnapshotImage[]> {
    const { states, provider, image } = filter;
    const images = this.all()
      .filter((row) => states?.includes(row.state) ?? true)
      .filter((row) => provider === undefined || row.provider === provider)
      .filter((row) => image === undefined || row.image === image);
    return Promise.resolve(
      images.sort((a, b) => compareRows([a.provider, a.image, a.id], [b.provider, b.image, b.id])),
    );
  }

  insert(image: NewSnapshotImage, cause: Cause): Promise<SnapshotImage | undefined> {
    const { provider, image: name, version, dibImageId } = image;
    const isBuilt = this.all().some((r) => r.provider === provider && r.image === name && r.state === 'building');
    if (isBuilt) return Promise.resolve(undefined);
    const id = this.#lastId + 1;
    const stateChangedAt = wholeSecond(this.#clock.now());
    const row = { id, rowVersion: 1, provider, image: name, version, dibImageId, stateChangedAt };
    this.put(definedOnly({ ...row, state: 'building' as const }));
    this.history.add({ subject: 'image', subjectId: id, event: 'inserted', to: 'building', ...cause });
    return this.find(id);
  }

  // eslint-disable-next-line max-params -- the signature of ImageStore
  apply(
    image: SnapshotImage,
    event: ImageEvent,
    cause: Cause,
    facts: SnapshotImageFacts = {},
  ): Promise<SnapshotImage | undefined> {
    const state = nextImageState(image.state, event);
    const current = this.#images.get(image.id);
    if (state === undefined || current?.rowVersion !== image.rowVersion) return Promise.resolve(undefined);
    const stateChangedAt = wholeSecond(this.#clock.now());
    this.put({ ...withFacts(current, facts), state, stateChangedAt, rowVersion: current.rowVersion + 1 });
    this.history.add({ subject: 'image', subjectId: image.id, event, from: current.state, to: state, ...cause });
    return this.find(image.id);
  }

  record(id: number, facts: SnapshotImageFacts): Promise<SnapshotImage | undefined> {
    const current = this.#images.get(id);
    if (current === undefined || Object.keys(facts).length === 0) return Promise.resolve(current);
    this.put({ ...withFacts(current, facts), rowVersion: current.rowVersion + 1 });
    const why = `Stored ${Object.keys(facts).join(', ')}`;
    this.history.add({ subject: 'image', subjectId: id, event: 'recorded', why, who: 'test' });
    return this.find(id);
  }

  noteLaunch(id: number, event: 'launched' | 'launchFailed', cause: Cause): Promise<SnapshotImage | undefined> {
    const current = this.#images.get(id);
    if (current === undefined) return Promise.resolve(undefined);
    const { failedLaunches = 0, launchedAt = this.#clock.now() } = current;
    const facts: SnapshotImageFacts =
      event === 'launched'
        ? { failedLaunches: null, launchedAt }
        : { failedLaunches: failedLaunches + 1, lastError: cause.why };
    this.put({ ...withFacts(current, facts), rowVersion: current.rowVersion + 1 });
    this.history.add({ subject: 'image', subjectId: id, event, ...cause });
    return this.find(id);
  }

  remove(image: SnapshotImage, cause: Cause): Promise<void> {
    const current = this.#images.get(image.id);
    if (current !== undefined) {
      this.#images.delete(image.id);
      const names = [...buildKeypairNames(current), current.serverExternalId];
      this.history.add(
        { subject: 'image', subjectId: image.id, event: 'removed', from: current.state, ...cause },
        names,
      );
    }
    return Promise.resolve();
  }

  listFailures(): Promise<readonly BuildFailure[]> {
    const key = (failure: BuildFailure): readonly string[] => [failure.provider, failure.image];
    return Promise.resolve([...this.#failures.values()].sort((a, b) => compareRows(key(a), key(b))));
  }

  saveFailure(failure: BuildFailure): Promise<void> {
    this.#failures.set(JSON.stringify([failure.provider, failure.image]), failure);
    return Promise.resolve();
  }

  clearFailure(provider: string, image: string): Promise<void> {
    this.#failures.delete(JSON.stringify([provider, image]));
    return Promise.resolve();
  }
}

function withFacts(image: SnapshotImage, facts: SnapshotImageFacts): SnapshotImage {
  const { serverExternalId, failedLaunches, launchedAt } = { ...image, ...facts };
  const emptied = { serverExternalId: serverExternalId ?? undefined, failedLaunches: failedLaunches ?? undefined };
  return definedOnly({ ...image, ...facts, ...emptied, launchedAt: launchedAt ?? undefined });
}
