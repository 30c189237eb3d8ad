import { setMaxListeners } from 'node:events';

/** A signal that can be let go of. */
export type JoinedSignal = Disposable & { readonly signal: AbortSignal };

/**
 * A signal that is aborted as soon as one of `signals` is, with its reason, until it is disposed. For work that is done
 * again and again under one long-lived signal: there each AbortSignal.any leaves some 50 bytes behind for ever (Node 20).
 */
export function joinSignals(...signals: readonly AbortSignal[]): JoinedSignal {
  const joined = new AbortController();
  const leaves: (() => void)[] = [];
  for (const signal of signals) {
    setMaxListeners(0, signal); // many tasks under one signal are no leak
    const onAbort = (): void => {
      joined.abort(signal.reason);
    };
    if (signal.aborted) {
      onAbort();
      continue;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    leaves.push(() => {
      signal.removeEventListener('abort', onAbort);
    });
  }
  return {
    signal: joined.signal,
    [Symbol.dispose]: () => {
      for (const leave of leaves) leave();
    },
  };
}
