/** What is to be ended, last begun first. One that fails does not keep the others. */
export class CleanupStack {
  readonly #cleanups: (() => Promise<void>)[] = [];

  add(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  /** @throws {AggregateError} some failed; all were run */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      await cleanup().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'The farm could not be removed');
  }
}
