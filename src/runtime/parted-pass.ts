import type { LoopDeps } from './control-loop.ts';
import { isAbort } from './errors.ts';
import { joinSignals } from './join-signals.ts';
import { StandingComplaint } from './standing-complaint.ts';

/** What one pass does with one peer. */
export type PassPart = {
  /** The peer's, e.g. a target's. */
  readonly name: string;
  readonly pass: (signal: AbortSignal) => Promise<void>;
};

type Running = { again: PassPart | undefined; end: Promise<void> };

/** A healthy peer answers within this; a loop's pass is never under way for much longer. */
const PATIENCE_MS = 5_000;

/**
 * A pass in parts that wait for different peers. They go side by side, and the pass ends with them or after 5 s: the part
 * of a peer that hangs goes on by itself and holds up no other. If it is asked for meanwhile, it passes once more after
 * that.
 */
export class PartedPass {
  readonly #name: string;
  readonly #deps: LoopDeps;
  readonly #running = new Map<string, Running>();
  /** As many as there ever were peers in the configuration. */
  readonly #complaints = new Map<string, StandingComplaint>();

  /** @param name shown on the task board and in log lines, with the part's */
  constructor(name: string, deps: LoopDeps) {
    this.#name = name;
    this.#deps = deps;
  }

  /** Begins all parts. A part that fails is logged, and tried again in the next pass. */
  async run(parts: readonly PassPart[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const ends = Promise.all(parts.map((part) => this.#begin(part, signal)));
    const over = new AbortController();
    using until = joinSignals(over.signal, signal);
    const patience = this.#deps.clock.sleep(PATIENCE_MS, until.signal).catch(() => undefined); // all ended, or aborted
    await Promise.race([ends, patience]);
    over.abort();
    signal.throwIfAborted();
  }

  /** Resolves when no part is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ end }) => end));
  }

  #begin(part: PassPart, signal: AbortSignal): Promise<void> {
    const running = this.#running.get(part.name);
    if (running !== undefined) {
      running.again = part;
      return running.end;
    }
    const begun: Running = { again: undefined, end: Promise.resolve() };
    this.#running.set(part.name, begun);
    begun.end = this.#passWhileAsked(part, begun, signal);
    return begun.end;
  }

  async #passWhileAsked(first: PassPart, running: Running, signal: AbortSignal): Promise<void> {
    using task = this.#deps.tasks.start(`${this.#name} ${first.name}`);
    task.waitOn(first.name);
    for (let part: PassPart | undefined = first; part !== undefined && !signal.aborted; part = running.again) {
      running.again = undefined;
      await this.#passOnce(part, signal);
    }
    this.#running.delete(first.name);
  }

  async #passOnce({ name, pass }: PassPart, signal: AbortSignal): Promise<void> {
    const complaint = this.#complaints.get(name) ?? new StandingComplaint(this.#deps);
    this.#complaints.set(name, complaint);
    const what = `${this.#name} ${name}`;
    try {
      await pass(signal);
      complaint.worked(`${what} works again`);
    } catch (error) {
      if (!isAbort(error, signal)) complaint.failed(`${what} failed`, error);
    }
  }
}
