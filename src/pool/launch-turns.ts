/** A place in the line of a provider's launches. Disposing it ends the launch's turn, or leaves the line. */
export interface LaunchTurn extends Disposable {
  /** Whether the launch may begin. */
  readonly hasCome: boolean;
  /**
   * Waits until it may.
   * @throws the signal's reason if it is aborted before
   */
  wait(signal: AbortSignal): Promise<void>;
}

type Place = { hasCome: boolean; onCome: () => void };

type Line = { most: number; underWay: number; readonly waiting: Set<Place> };

/**
 * Lets at most so many launches of each provider be under way at once, in the order of asking (later Nodepool:
 * `max-concurrency`). Each provider's line holds a place for each of its launches that asked, and is as long as that.
 */
export class LaunchTurns {
  readonly #lines = new Map<string, Line>();

  /** From now on the provider has at most so many at once; 0: no limit. What is under way goes on. */
  allow(provider: string, most: number): void {
    const line = this.#lineOf(provider);
    line.most = most === 0 ? Infinity : most;
    letIn(line);
  }

  /** Takes the last place in the provider's line. */
  ask(provider: string): LaunchTurn {
    const line = this.#lineOf(provider);
    const place: Place = { hasCome: false, onCome: () => undefined };
    line.waiting.add(place);
    letIn(line);
    return {
      get hasCome() {
        return place.hasCome;
      },
      wait: (signal) => waitFor(place, signal),
      [Symbol.dispose]: () => {
        leave(place, line);
      },
    };
  }

  #lineOf(provider: string): Line {
    const line = this.#lines.get(provider) ?? { most: Infinity, underWay: 0, waiting: new Set() };
    this.#lines.set(provider, line);
    return line;
  }
}

function letIn(line: Line): void {
  for (const place of line.waiting) {
    if (line.underWay >= line.most) return;
    line.waiting.delete(place);
    line.underWay += 1;
    place.hasCome = true;
    place.onCome();
  }
}

function leave(place: Place, line: Line): void {
  if (line.waiting.delete(place) || !place.hasCome) return;
  place.hasCome = false; // disposed twice, it ends once
  line.underWay -= 1;
  letIn(line);
}

async function waitFor(place: Place, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (place.hasCome) return;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    place.onCome = () => {
      signal.removeEventListener('abort', stop);
      resolve();
    };
  });
}
