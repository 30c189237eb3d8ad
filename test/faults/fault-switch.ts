import { TransientProviderError, UnknownOutcomeError } from '../../src/provider/errors.ts';
import { type Clock, withDeadline } from '../../src/runtime/clock.ts';
import { RequestGate } from '../../src/runtime/request-gate.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';

/** How a peer can be ill. `hang`: it takes the connection and never answers; `slow`: 5 s for each answer. */
export const FAULT_MODES = ['refused', 'hang', 'slow', 'garbage', '5xx', 'cut'] as const;
export type FaultMode = (typeof FAULT_MODES)[number];

export type FaultyPeer = {
  readonly name: string;
  /** As the adapter's own: how long a call may take, and how many are under way at once. */
  readonly deadlineMs: number;
  readonly concurrency: number;
  /** Calls that the fault is about; default all. */
  readonly covers?: (call: string) => boolean;
  /** Calls that all who wait for them share: they are no load. */
  readonly shared?: readonly string[];
  /** What the adapter throws. `isUnknown`: it may have been done. Default: TransientProviderError and UnknownOutcomeError. */
  readonly failure?: (message: string, isUnknown: boolean) => Error;
};

const SLOW_MS = 5_000;

/** Makes a fake peer ill, as its adapter would tell of it: with the adapter's deadlines, queue and errors. */
export class FaultSwitch {
  mode: FaultMode | undefined;
  readonly #peer: FaultyPeer;
  readonly #clock: Clock;
  readonly #gate: RequestGate;

  constructor(peer: FaultyPeer, clock: Clock) {
    this.#peer = peer;
    this.#clock = clock;
    const { name, deadlineMs, concurrency } = peer;
    const bounds = { name, deadlineMs, concurrency, minGapMs: 0, maxQueued: 10_000 };
    this.#gate = new RequestGate(bounds, { clock, tasks: new TaskBoard(clock) });
  }

  /** The peer as the daemon has it. Calls take their signal last. */
  wrap<T extends object>(fake: T): T {
    return new Proxy(fake, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        const work = (...args: unknown[]): unknown => Reflect.apply(value, target, args) as unknown;
        if (typeof name === 'symbol' || this.#peer.covers?.(name) === false) return work;
        return (...args: unknown[]) => this.#call(name, () => work(...args), signalOf(args));
      },
    });
  }

  async #call(name: string, work: () => unknown, signal: AbortSignal): Promise<unknown> {
    const send = (inner: AbortSignal): Promise<unknown> => this.#answer(work, inner);
    const { shared = [], deadlineMs } = this.#peer;
    try {
      if (!shared.includes(name)) return await this.#gate.run({ name }, signal, send);
      return await withDeadline({ what: name, ms: deadlineMs }, { clock: this.#clock, signal }, send);
    } catch (error) {
      signal.throwIfAborted();
      if (name === 'isOnline') return false; // what the interface promises
      if (error instanceof Error && error.name === 'DeadlineExceededError') throw this.#failure(error.message, true);
      throw error;
    }
  }

  async #answer(work: () => unknown, signal: AbortSignal): Promise<unknown> {
    switch (this.mode) {
      case undefined:
        return await work();
      case 'slow':
        await this.#clock.sleep(SLOW_MS, signal);
        return await work();
      case 'hang':
        return await untilAborted(signal);
      case 'cut':
        await work();
        throw this.#failure('was cut off', true);
      case 'refused':
      case 'garbage':
      case '5xx':
        throw this.#failure(`answers by "${this.mode}"`, false);
    }
  }

  #failure(message: string, isUnknown: boolean): Error {
    const what = `${this.#peer.name} ${message}`;
    if (this.#peer.failure !== undefined) return this.#peer.failure(what, isUnknown);
    return isUnknown ? new UnknownOutcomeError(what) : new TransientProviderError(what);
  }
}

function signalOf(args: readonly unknown[]): AbortSignal {
  const last = args.at(-1);
  return last instanceof AbortSignal ? last : new AbortController().signal;
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}
