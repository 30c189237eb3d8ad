import { setMaxListeners } from 'node:events';
import { asError } from '../runtime/errors.ts';

/**
 * What `promise` gives, unless one of `signals` is aborted first.
 * @throws the reason of the signal that is aborted first
 */
export async function untilAborted<T>(promise: Promise<T>, ...signals: readonly AbortSignal[]): Promise<T> {
  for (const signal of signals) signal.throwIfAborted();
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      setMaxListeners(0, signal); // many waits under one signal are no leak
      const onAbort = (): void => {
        reject(asError(signal.reason));
      };
      signal.addEventListener('abort', onAbort, { once: true, signal: done.signal });
    }
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    done.abort();
  }
}
