import type { DibFailure, DibImage, DibImageFacts, NewDibImage } from '../../src/image/dib-image.ts';
import type { DibImageFilter, DibImageStore } from '../../src/image/dib-image-store.ts';
import { type ImageEvent, nextImageState } from '../../src/image/lifecycle.ts';
import type { Cause } from '../../src/node/cause.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { compareRows, wholeSecond } from './compare-rows.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryHistoryStore } from './memory-history-store.ts';
import type { MemoryStoreDeps } from './memory-node-store.ts';

/** The builds of disk images in memory. Held to the store contract, so it behaves as the one in Postgres. */
export class MemoryDibImageStore implements DibImageStore {
  readonly history: MemoryHistoryStore;
  readonly #clock: Clock;
  readonly #builds = new Map<number, DibImage>();
  readonly #failures = new Map<string, DibFailure>();
  #lastId = 0;

  constructor(builds: readonly DibImage[] = [], deps: MemoryStoreDeps = {}) {
    this.#clock = deps.clock ?? new FakeClock();
    this.history = deps.history ?? new MemoryHistoryStore(this.#clock);
    for (const build of builds) this.put(build);
  }

  /** Every build, by id. */
  all(): readonly DibImage[] {
    return [...this.#builds.values()].sort((a, b) => a.id - b.id);
  }

  /** Adds or replaces a row as it is: for what happened before the test, or behind the code's back. */
  put(build: DibImage): void {
    this.#builds.set(build.id, build);
    this.#lastId = Math.max(this.#lastId, build.id);
  }

  find(id: number): Promise<DibImage | undefined> {
    return Promise.resolve(this.#builds.get(id));
  }

  list({ states, diskimage }: DibImageFilter = {}): Promise<readonly DibImage[]> {
    const builds = this.all()
      .filter((row) => states?.includes(row.state) ?? true)
      .filter((row) => diskimage === undefined || row.diskimage === diskimage);
    return Promise.resolve(builds.sort((a, b) => compareRows([a.diskimage, a.id], [b.diskimage, b.id])));
  }

  insert({ diskimage, version }: NewDibImage, cause: Cause): Promise<DibImage | undefined> {
    if (this.all().some((row) => row.diskimage === diskimage && row.state === 'building')) {
      return Promise.resolve(undefined);
    }
    const id = this.#lastId + 1;
    const stateChangedAt = wholeSecond(this.#clock.now());
    const empty = { formats: [], withdrawnFrom: [] };
    this.put({ id, rowVersion: 1, diskimage, version, state: 'building', stateChangedAt, ...empty });
    this.history.add({ subject: 'dib-image', subjectId: id, event: 'inserted', to: 'building', ...cause });
    return this.find(id);
  }

  // eslint-disable-next-line max-params -- the signature of DibImageStore
  apply(image: DibImage, event: ImageEvent, cause: Cause, facts: DibImageFacts = {}): Promise<DibImage | undefined> {
    const state = nextImageState(image.state, event);
    const current = this.#builds.get(image.id);
    if (state === undefined || current?.rowVersion !== image.rowVersion) return Promise.resolve(undefined);
    const stateChangedAt = wholeSecond(this.#clock.now());
    this.put({ ...withFacts(current, facts), state, stateChangedAt, rowVersion: current.rowVersion + 1 });
    this.history.add({ subject: 'dib-image', subjectId: image.id, event, from: current.state, to: state, ...cause });
    return this.find(image.id);
  }

  record(id: number, facts: DibImageFacts): Promise<DibImage | undefined> {
    const current = this.#builds.get(id);
    if (current === undefined || Object.keys(facts).length === 0) return Promise.resolve(current);
    this.put({ ...withFacts(current, facts), rowVersion: current.rowVersion + 1 });
    const why = `Stored ${Object.keys(facts).join(', ')}`;
    this.history.add({ subject: 'dib-image', subjectId: id, event: 'recorded', why, who: 'test' });
    return this.find(id);
  }

  remove({ id }: DibImage, cause: Cause): Promise<void> {
    const current = this.#builds.get(id);
    if (current !== undefined) {
      this.#builds.delete(id);
      this.history.add({ subject: 'dib-image', subjectId: id, event: 'removed', from: current.state, ...cause });
    }
    return Promise.resolve();
  }

  listFailures(): Promise<readonly DibFailure[]> {
    return Promise.resolve([...this.#failures.values()].sort((a, b) => compareRows([a.diskimage], [b.diskimage])));
  }

  saveFailure(failure: DibFailure): Promise<void> {
    this.#failures.set(failure.diskimage, failure);
    return Promise.resolve();
  }

  clearFailure(diskimage: string): Promise<void> {
    this.#failures.delete(diskimage);
    return Promise.resolve();
  }
}

function withFacts(build: DibImage, facts: DibImageFacts): DibImage {
  const { step = build.step, ...rest } = facts;
  return definedOnly({ ...build, ...rest, step: step ?? undefined });
}
