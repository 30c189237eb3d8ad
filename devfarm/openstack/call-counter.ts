export type CallReport = {
  readonly total: number;
  /** By kind, in order of name. */
  readonly calls: Readonly<Record<string, number>>;
  /** Answers by their status: what hung or was cut has none. */
  readonly statuses: Readonly<Record<string, number>>;
};

/** Counts requests by kind: `compute POST /v2.1/servers`, `compute POST /v2.1/servers/:id/action createImage`. */
export class CallCounter {
  #calls = new Map<string, number>();
  #statuses = new Map<string, number>();

  count(kind: string): void {
    this.#calls.set(kind, (this.#calls.get(kind) ?? 0) + 1);
  }

  answered(status: number): void {
    this.#statuses.set(String(status), (this.#statuses.get(String(status)) ?? 0) + 1);
  }

  report(): CallReport {
    const entries = [...this.#calls].sort(([a], [b]) => (a < b ? -1 : 1));
    const total = entries.reduce((sum, [, count]) => sum + count, 0);
    return { total, calls: Object.fromEntries(entries), statuses: Object.fromEntries(this.#statuses) };
  }

  reset(): void {
    this.#calls = new Map();
    this.#statuses = new Map();
  }
}
