import { zuulParameters } from '../scripts/demonstration/zuul-parameters.ts';
import { GearmanClient } from '../src/gearman/gearman-client.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { systemRandomness } from '../src/runtime/randomness.ts';
import { TaskBoard } from '../src/runtime/task-board.ts';
import { RecordingLogger } from '../test/fakes/recording-logger.ts';
import { NAMES } from '../test/integration/farm-config.ts';
import type { SeededRandomness } from '../fuzz/seeded-randomness.ts';
import type { Attempt } from './evidence.ts';
import { CLOSING_MS } from './second-runs.ts';

/** Longer than a farm needs to get over the worst. */
const ATTEMPT_MS = 240_000;
const AGAIN_MS = 300;

type Job = Pick<Attempt, 'job' | 'expects' | 'asksOffline'> & { readonly seconds: string };

/** Zuul: always so many jobs under way, each of its own length and result; a job without a result is submitted again. */
export class Churn {
  readonly attempts: Attempt[] = [];
  readonly #client: GearmanClient;
  readonly #randomness: SeededRandomness;
  readonly #stopping = new AbortController();
  readonly #unfinished = new Set<number>();
  readonly #lanes: readonly Promise<void>[];
  #jobs = 0;
  #isOver = false;

  /** @param atATime jobs under way */
  constructor(gearmanPort: number, atATime: number, randomness: SeededRandomness) {
    const clock = systemClock;
    const deps = { clock, randomness: systemRandomness, log: new RecordingLogger(), tasks: new TaskBoard(clock) };
    const servers = [{ host: '127.0.0.1', port: gearmanPort }];
    this.#client = new GearmanClient({ servers, clientId: 'Zuul RPC Client' }, deps);
    this.#randomness = randomness;
    this.#lanes = Array.from({ length: atATime }, () => this.#work());
  }

  get jobs(): number {
    return this.#jobs;
  }

  /** Jobs that have no result yet. */
  get unfinished(): readonly number[] {
    return [...this.#unfinished];
  }

  /** Begins no more jobs, and waits for those under way at most so long. */
  async end(ms: number): Promise<void> {
    this.#isOver = true;
    const late = new AbortController();
    const patience = systemClock.sleep(ms, late.signal).catch(() => undefined); // all ended in time
    await Promise.race([Promise.all(this.#lanes), patience]);
    late.abort();
    this.#stopping.abort(new Error('The churn is over'));
    await this.#client.close();
    await Promise.all(this.#lanes);
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      const job = this.#newJob();
      this.#unfinished.add(job.job);
      if (await this.#runToResult(job)) this.#unfinished.delete(job.job);
    }
  }

  #newJob(): Job {
    this.#jobs += 1;
    const asksOffline = !this.#randomness.isOneIn(4);
    // Nodepool can close no node in less: a shorter job would prove nothing.
    const leastMs = asksOffline ? 0 : CLOSING_MS;
    const seconds = ((leastMs + this.#randomness.below(2_500)) / 1000).toFixed(2);
    const expects = this.#randomness.isOneIn(4) ? 'FAILURE' : 'SUCCESS';
    return { job: this.#jobs, expects, asksOffline, seconds };
  }

  async #runToResult(job: Job): Promise<boolean> {
    for (let tries = 1; !this.#stopping.signal.aborted; tries += 1) {
      const attempt = await this.#submit(job, `${job.job}.${tries}`);
      if (attempt === undefined) return false;
      this.attempts.push(attempt);
      if (attempt.outcome === 'completed') return true;
      await systemClock.sleep(AGAIN_MS);
    }
    return false;
  }

  /** Undefined: the churn ended meanwhile. */
  async #submit({ job, expects, asksOffline, seconds }: Job, id: string): Promise<Attempt | undefined> {
    const unique = systemRandomness.hex(16);
    const { OFFLINE_NODE_WHEN_COMPLETE: offline, ...parameters } = zuulParameters(unique, job);
    const data = JSON.stringify({
      ...parameters,
      ...(asksOffline && { OFFLINE_NODE_WHEN_COMPLETE: offline }),
      ...{ CRASH_ATTEMPT: id, CRASH_SECONDS: seconds, CRASH_STATUS: expects === 'SUCCESS' ? '0' : '1' },
    });
    const attempt = { id, job, expects, asksOffline };
    try {
      const order = { function: `build:${NAMES.job}`, unique, data, deadlineMs: ATTEMPT_MS };
      const outcome = await this.#client.submit(order, this.#stopping.signal);
      const last = outcome.type === 'completed' && outcome.result.length > 0 ? outcome.result : outcome.data.at(-1);
      const facts = JSON.parse(last?.toString() ?? '{}') as { readonly result?: string }; // what the stand-in sends
      const detail = outcome.type === 'exception' ? { detail: outcome.message } : {};
      return { ...attempt, outcome: outcome.type, result: facts.result, ...detail };
    } catch {
      return this.#stopping.signal.aborted ? undefined : { ...attempt, outcome: 'refused', result: undefined };
    }
  }
}
