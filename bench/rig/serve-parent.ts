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
  // A terminal's Ctrl-C reaches us too, but the parent still needs us while it cleans up.
  process.on('SIGINT', () => undefined);
  process.send?.({ ready });
}

async function answer({ id, what, subject }: Question, works: Readonly<Record<string, Work>>): Promise<void> {
  const reply = await outcomeOf(works[what], subject);
  if (process.connected) process.send?.({ id, ...reply });
}

async function outcomeOf(work: Work | undefined, subject: unknown): Promise<object> {
  try {
    if (work === undefined) throw new Error('It cannot do that');
    return { result: await work(subject) };
  } catch (error) {
    return { error: describeError(error) };
  }
}
