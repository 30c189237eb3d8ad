/** What happens to the next call of one kind. */
export type Fate = { readonly kind: 'fails'; readonly error: Error } | { readonly kind: 'answer-lost' | 'hangs' };

/** What tests decided for coming calls, each for one call of that name. */
export class CallFates<Call> {
  readonly #coming = new Map<Call, Fate[]>();

  add(call: Call, fate: Fate): void {
    this.#coming.set(call, [...(this.#coming.get(call) ?? []), fate]);
  }

  /**
   * Lets a call meet its fate; gives what becomes of its answer.
   * @throws what the test decided, or the signal's reason
   */
  async meet(call: Call, signal: AbortSignal): Promise<'given' | 'lost'> {
    signal.throwIfAborted();
    const fate = this.#coming.get(call)?.shift();
    if (fate?.kind === 'hangs') await untilAborted(new Promise(() => undefined), signal);
    await Promise.resolve();
    if (fate?.kind === 'fails') throw fate.error;
    return fate?.kind === 'answer-lost' ? 'lost' : 'given';
  }
}

/** What `promise` gives; rejects with the signal's reason when that comes first. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        reject(signal.reason as Error);
      },
      { once: true, signal: done.signal },
    );
  });
  return await Promise.race([promise, aborted]).finally(() => {
    done.abort();
  });
}
