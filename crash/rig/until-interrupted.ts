/** Aborted at the first SIGINT or SIGTERM; the second one ends the program as ever. */
export function untilInterrupted(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      stopping.abort(new Error('Interrupted'));
    });
  }
  return stopping.signal;
}
