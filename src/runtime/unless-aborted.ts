import { setMaxListeners } from 'node:events';
import { asError } from './errors.ts';

/**
 * What `work` gives, unless one of `signals` is aborted first: that ends this wait, not the work, which others may share.
 * @throws the reason of the signal that is aborted first
 */
export async function unlessAborted<T>(work: Promise<T>, ...signals: readonly AbortSignal[]): Promise<T> {
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      setMaxListeners(0, signal); // many waits under one signal are no leak
      const onAbort = (): void => {
        reject(asError(signal.reason));
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true, signal: done.signal });
    }
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    done.abort();
  }
}
