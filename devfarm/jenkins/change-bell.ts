import { asError } from '../../src/runtime/errors.ts';

/** Tells listeners that something about agents, jobs or builds has changed; several changes of one turn are one ring. */
export class ChangeBell {
  readonly #listeners = new Set<() => void>();
  #ringing = false;

  /** Adds a listener, which must not throw; gives what takes it away. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ring(): void {
    if (this.#ringing) return;
    this.#ringing = true;
    queueMicrotask(() => {
      this.#ringing = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /**
   * Waits until `condition` gives a value.
   * @throws what `condition` throws, or the signal's reason
   */
  until<T>(condition: () => T | undefined, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        stop();
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const look = (): void => {
        try {
          signal.throwIfAborted();
          const value = condition();
          if (value === undefined) return;
          settle(() => {
            resolve(value);
          });
        } catch (error) {
          settle(() => {
            reject(asError(error));
          });
        }
      };
      const onAbort = (): void => {
        look();
      };
      const stop = this.listen(look);
      signal.addEventListener('abort', onAbort, { once: true });
      look();
    });
  }
}
