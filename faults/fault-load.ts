import { zuulParameters } from '../scripts/demonstration/zuul-parameters.ts';
import { GearmanClient } from '../src/gearman/gearman-client.ts';
import type { JobOutcome } from '../src/gearman/submitted-job.ts';
import { type Clock, systemClock } from '../src/runtime/clock.ts';
import { systemRandomness } from '../src/runtime/randomness.ts';
import { TaskBoard } from '../src/runtime/task-board.ts';
import { RecordingLogger } from '../test/fakes/recording-logger.ts';

/** Longer than the worst fault and the farm's way back. */
const JOB_MS = 600_000;
const BETWEEN_MS = 2_000;

export type LoadedJob = {
  readonly label: string;
  readonly submittedMs: number;
  /** When Zuul heard its result. */
  endedMs?: number;
  /** `completed`, or how it was lost. */
  outcome?: string;
  /** Where it ran. */
  nodename?: string;
};

/** Zuul: one job of each label after the other, and more on request. Straight to gearmand, not through its proxy. */
export class FaultLoad implements AsyncDisposable {
  readonly jobs: LoadedJob[] = [];
  readonly #client: GearmanClient;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #ends = new Set<Promise<void>>();

  constructor(gearmanPort: number, clock: Clock = systemClock) {
    this.#clock = clock;
    const log = new RecordingLogger();
    const deps = { clock: systemClock, randomness: systemRandomness, log, tasks: new TaskBoard(systemClock) };
    this.#client = new GearmanClient(
      { servers: [{ host: '127.0.0.1', port: gearmanPort }], clientId: 'Zuul RPC Client' },
      deps,
    );
  }

  /** Runs one job after the other until aborted. */
  async keepBusy(label: string, signal: AbortSignal): Promise<void> {
    const over = untilAborted(signal);
    while (!signal.aborted) {
      await Promise.race([this.submit(label), over]);
      await this.#clock.sleep(BETWEEN_MS, signal).catch(() => undefined); // enough: the loop ends
    }
  }

  /** Resolves with the job at its end. */
  async submit(label: string): Promise<LoadedJob> {
    const job: LoadedJob = { label, submittedMs: this.#clock.monotonicMs() };
    this.jobs.push(job);
    const end = this.#run(job);
    this.#ends.add(end);
    await end;
    return job;
  }

  get unfinished(): readonly LoadedJob[] {
    return this.jobs.filter(({ endedMs }) => endedMs === undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('The load is over'));
    await this.#client.close();
    await Promise.all(this.#ends);
  }

  async #run(job: LoadedJob): Promise<void> {
    const unique = systemRandomness.hex(16);
    const data = JSON.stringify(zuulParameters(unique, this.jobs.length));
    const order = { function: `build:gate-${job.label}:${job.label}`, unique, data, deadlineMs: JOB_MS };
    try {
      const outcome = await this.#client.submit(order, this.#stopping.signal);
      job.outcome = outcome.type;
      job.nodename = nodenameOf(outcome);
    } catch (error) {
      job.outcome = String(error);
    }
    job.endedMs = this.#clock.monotonicMs();
  }
}

/** What Jenkins sends last tells where the job ran. */
function nodenameOf(outcome: JobOutcome): string {
  const isResult = outcome.type === 'completed' && outcome.result.length > 0;
  const last = isResult ? outcome.result : outcome.data.at(-1);
  const facts = JSON.parse(last?.toString() ?? '{}') as { readonly node_name?: string }; // what the stand-in sends
  return facts.node_name ?? '';
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
