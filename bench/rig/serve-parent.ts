import { describeError } from '../../src/runtime/errors.ts';

type Work = (subject: unknown) => unknown;
type Question = { readonly id: number; readonly what: string; readonly subject?: unknown };

/** The options that the parent started this program with. */
export function optionsFromParent(): unknown {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** Tells the parent that this program is ready, then does what it is asked, until the parent lets go. */
export function serveParent(ready: unknown, works: Readonly<Record<string, Work>>): void {
  process.on('message', (message) => {
    void answer(message as Question, works);
  });
  process.on('disconnect', () => {
    process.exit(0);
  });
  process.send?.({ ready });
}

async function answer({ id, what, subject }: Question, works: Readonly<Record<string, Work>>): Promise<void> {
  try {
    process.send?.({ id, result: await works[what]?.(subject) });
  } catch (error) {
    process.send?.({ id, error: describeError(error) });
  }
}
