/** One line of the history: what changed, from what to what, why and by whom. */
export type HistoryEntry = {
  readonly at: Date;
  readonly subject: 'node' | 'image' | 'provider' | 'dib-image';
  readonly subjectId: number;
  /**
   * `inserted`, an event of the lifecycle, `recorded`, `removed`; of notes `waits`, `console` (`why` is its text), `reaped`;
   * of an image also `launched` and `launchFailed`: launches from it.
   */
  readonly event: string;
  readonly from?: string;
  readonly to?: string;
  readonly why: string;
  readonly who: string;
};

export type HistoryNote = Omit<HistoryEntry, 'at' | 'from' | 'to'> & { readonly names?: readonly string[] };

/** Reads what stores wrote (adapter: src/db). */
export interface HistoryStore {
  /** Oldest first; empty for an unknown id. Entries outlive their rows. */
  list(subject: HistoryEntry['subject'], subjectId: number): Promise<readonly HistoryEntry[]>;
  /**
   * Whether a row that was removed had the agent, the keypair or the server of that name or id: what is still there of it
   * is ours and has no owner.
   */
  wasRemoved(name: string): Promise<boolean>;
  /** Adds a remark, e.g. the output tail of a failed script. `names`: ids of servers without row, for `wasRemoved`. */
  note(entry: HistoryNote): Promise<void>;
  /** Removes entries older than `before`; gives their number. */
  prune(before: Date): Promise<number>;
}
