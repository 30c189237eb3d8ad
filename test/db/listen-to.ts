import type { Change } from '../../src/db/change-notifier.ts';
import type { Database } from '../../src/db/database.ts';

export type Heard = {
  /** Resolves with the next change that nobody took yet. */
  readonly next: () => Promise<Change>;
};

/** Listens to a database and keeps what comes. */
export function listenTo(database: Database): Heard {
  const arrived: Change[] = [];
  let wake: (() => void) | undefined;
  database.onChange((change) => {
    arrived.push(change);
    wake?.();
  });
  const next = async (): Promise<Change> => {
    for (;;) {
      const change = arrived.shift();
      if (change !== undefined) return change;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { next };
}
