import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { ChurnAgent, ChurnJenkins } from './churn-jenkins.ts';
import { sharedNowMs } from './stopwatch.ts';

/** How long jobs run: as long as it takes by chance between the two. */
export type JobLength = { readonly fromMs: number; readonly toMs: number };

/** `isFirst`: of those that all come at the start. */
type WaitingJob = { readonly submittedMs: number; readonly isFirst: boolean };

type FreeAgent = { readonly agent: ChurnAgent; readonly jenkins: ChurnJenkins };

export type ChurnQueueDeps = {
  readonly length: JobLength;
  readonly publish: (topic: 'onStarted' | 'onFinalized', nodename: string) => void;
};

/** What happened since `forget`. Instants are of the shared clock. */
export type ChurnRecord = {
  /** Label → milliseconds from the submission of each job to its start. */
  readonly waits: Readonly<Record<string, readonly number[]>>;
  /** Nodename → when the end of its job was published. */
  readonly ended: Readonly<Record<string, number>>;
};

/** Zuul's queue and the jobs that run: for each that ends, the next one of its label is submitted. */
export class ChurnQueue {
  readonly #deps: ChurnQueueDeps;
  /** By label. */
  readonly #waiting = new Map<string, WaitingJob[]>();
  readonly #running = new Map<string, number>();
  readonly #free = new Map<string, FreeAgent[]>();
  #waits: Record<string, number[]> = {};
  #ended: Record<string, number> = {};

  constructor(deps: ChurnQueueDeps) {
    this.#deps = deps;
  }

  /** Submits so many jobs. They get any length up to the longest, lest all end together for ever. */
  begin(label: string, jobs: number): void {
    for (let n = 0; n < jobs; n += 1) this.#submit(label, true);
  }

  /** An agent is there and may run a job. */
  offer(agent: ChurnAgent, jenkins: ChurnJenkins): void {
    const [label = ''] = agent.labels;
    this.#free.set(label, [...(this.#free.get(label) ?? []), { agent, jenkins }]);
    this.#match(label);
  }

  forget(): void {
    this.#waits = {};
    this.#ended = {};
  }

  get record(): ChurnRecord {
    return { waits: this.#waits, ended: this.#ended };
  }

  /** gearmand's answer to `status`. */
  get status(): string {
    const labels = new Set([...this.#waiting.keys(), ...this.#running.keys()]);
    const lines = [...labels].map((label) => {
      const running = this.#running.get(label) ?? 0;
      return `build:gate:${label}\t${running + (this.#waiting.get(label)?.length ?? 0)}\t${running}\t1\n`;
    });
    return `${lines.join('')}.\n`;
  }

  #match(label: string): void {
    const [waiting = [], free = []] = [this.#waiting.get(label), this.#free.get(label)];
    while (waiting.length > 0 && free.length > 0) {
      const found = free.shift();
      if (found === undefined || found.agent.offline) continue;
      const job = waiting.shift();
      if (job !== undefined) void this.#run(label, job, found);
    }
  }

  #submit(label: string, isFirst: boolean): void {
    const waiting = this.#waiting.get(label) ?? [];
    this.#waiting.set(label, waiting);
    waiting.push({ submittedMs: sharedNowMs(), isFirst });
    this.#match(label);
  }

  async #run(label: string, { submittedMs, isFirst }: WaitingJob, { agent, jenkins }: FreeAgent): Promise<void> {
    const { length, publish } = this.#deps;
    const leastMs = isFirst ? 0 : length.fromMs;
    (this.#waits[label] ??= []).push(sharedNowMs() - submittedMs);
    this.#running.set(label, (this.#running.get(label) ?? 0) + 1);
    agent.busy = true;
    publish('onStarted', agent.name);
    await systemClock.sleep(leastMs + (length.toMs - leastMs) * systemRandomness.fraction());
    jenkins.endJob(agent.name);
    this.#running.set(label, (this.#running.get(label) ?? 1) - 1);
    this.#ended[agent.name] = sharedNowMs();
    publish('onFinalized', agent.name);
    this.#submit(label, false);
  }
}
