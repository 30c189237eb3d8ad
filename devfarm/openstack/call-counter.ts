/** Counts requests by kind: `compute POST /v2.1/servers`, `compute POST /v2.1/servers/:id/action createImage`. */
export class CallCounter {
  #calls = new Map<string, number>();

  count(kind: string): void {
    this.#calls.set(kind, (this.#calls.get(kind) ?? 0) + 1);
  }

  /** Counts by kind, in order of name, and all together. */
  report(): { readonly total: number; readonly calls: Readonly<Record<string, number>> } {
    const entries = [...this.#calls].sort(([a], [b]) => (a < b ? -1 : 1));
    return { total: entries.reduce((sum, [, count]) => sum + count, 0), calls: Object.fromEntries(entries) };
  }

  reset(): void {
    this.#calls = new Map();
  }
}
