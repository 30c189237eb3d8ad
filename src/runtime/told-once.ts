/** What was told of already: so that one line is logged of it, and not one each pass. */
export class ToldOnce {
  readonly #told = new Set<string>();

  /** True the first time. */
  isNew(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    return true;
  }

  /** It is over: the next time is the first one again. */
  forget(what: string): void {
    this.#told.delete(what);
  }
}
