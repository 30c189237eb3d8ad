/**
 * Waits for work that others wait for too: aborting ends this wait only, not the work.
 * @throws the signal's reason as soon as `signal` is aborted
 */
export async function awaitShared<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('Aborted', { cause: signal.reason }));
    };
    signal.addEventListener('abort', onAbort, { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    done.abort();
  }
}
