import type { HistoryEntry, HistoryNote, HistoryStore } from '../../src/node/history-store.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { FakeClock } from './fake-clock.ts';

/** The history in memory; MemoryNodeStore and MemoryImageStore write to it. Held to the store contract. */
export class MemoryHistoryStore implements HistoryStore {
  readonly #clock: Clock;
  readonly #removed = new Set<string>();
  #entries: readonly HistoryEntry[] = [];

  constructor(clock: Clock = new FakeClock()) {
    this.#clock = clock;
  }

  /** Every entry, oldest first. */
  all(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** What the stores write together with a change; `names` are those of a removed row. */
  add(entry: Omit<HistoryEntry, 'at'>, names: readonly (string | undefined)[] = []): void {
    for (const name of names) if (name !== undefined) this.#removed.add(name);
    this.#entries = [...this.#entries, { ...entry, at: this.#clock.now() }];
  }

  list(subject: HistoryEntry['subject'], subjectId: number): Promise<readonly HistoryEntry[]> {
    return Promise.resolve(this.#entries.filter((e) => e.subject === subject && e.subjectId === subjectId));
  }

  wasRemoved(name: string): Promise<boolean> {
    return Promise.resolve(this.#removed.has(name));
  }

  note({ names = [], ...entry }: HistoryNote): Promise<void> {
    this.add(entry, names);
    return Promise.resolve();
  }

  prune(before: Date): Promise<number> {
    const kept = this.#entries.filter((entry) => entry.at.getTime() >= before.getTime());
    const pruned = this.#entries.length - kept.length;
    this.#entries = kept;
    return Promise.resolve(pruned);
  }
}
