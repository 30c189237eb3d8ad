import { type Clock, withDeadline } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';

/** What was seen of one thing that the farm needs. */
export type Finding = {
  /** Names it: `provider wmf`. */
  readonly what: string;
  readonly isGood: boolean;
  /** What is there; for what is not good, why and what to do. One line. */
  readonly text: string;
};

export type Subject = {
  readonly what: string;
  /** What to do where it is not good. */
  readonly advice: string;
};

/** A peer that does not answer is told of, and does not keep the operator waiting for its own, longer limits. */
const PATIENCE_MS = 20_000;

/** Looks at one thing, for 20 s at most. What `look` throws becomes the finding, with the advice. */
export async function inspect(
  { what, advice }: Subject,
  deps: { readonly clock: Clock; readonly signal: AbortSignal },
  look: (signal: AbortSignal) => Promise<string>,
): Promise<Finding> {
  try {
    const text = await withDeadline({ what: `${what} to answer`, ms: PATIENCE_MS }, deps, look);
    return { what, isGood: true, text };
  } catch (error) {
    deps.signal.throwIfAborted();
    return { what, isGood: false, text: `${describeError(error)}; ${advice}` };
  }
}

/** `✔ provider wmf: 3 of 20 servers in use`. */
export function renderFinding({ what, isGood, text }: Finding): string {
  return `${isGood ? '✔' : '✘'} ${what}: ${text}`;
}
