import type { QueueStatus } from '../../src/gearman/queue-status-source.ts';
import type { JobEvent } from '../../src/node/job-event.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { FakeAgent, FakeAgents } from '../fakes/fake-agents.ts';

export type Job = {
  readonly label: string;
  readonly submittedMs: number;
  nodename?: string;
  startedMs?: number;
  endedMs?: number;
};

/** How long jobs run, and whether they take their node offline. */
export type JobKind = { readonly runMs: number; readonly asksOffline: boolean };

/** Zuul, gearmand and the part of Jenkins that runs builds: jobs wait, run on an agent with their label, and take it offline. */
export class Jobs {
  readonly all: Job[] = [];
  kind: JobKind = { runMs: 20_000, asksOffline: true };
  /** Jobs whose agent was taken away while they ran. */
  readonly killed: Job[] = [];
  readonly #jenkins: readonly FakeAgents[];
  readonly #clock: Clock;
  readonly #publish: (event: JobEvent) => void;
  #turns = 0;

  constructor(jenkins: readonly FakeAgents[], clock: Clock, publish: (event: JobEvent) => void) {
    this.#jenkins = jenkins;
    this.#clock = clock;
    this.#publish = publish;
  }

  submit(label: string, count = 1): void {
    const submittedMs = this.#clock.monotonicMs();
    for (let n = 0; n < count; n += 1) this.all.push({ label, submittedMs });
  }

  get unfinished(): readonly Job[] {
    return this.all.filter(({ endedMs }) => endedMs === undefined);
  }

  /** Longest time from submission to start of the jobs of a label; waiting ones count as far as they have come. */
  longestWaitMs(label: string): number {
    const nowMs = this.#clock.monotonicMs();
    const waits = this.all
      .filter((job) => job.label === label)
      .map((job) => (job.startedMs ?? nowMs) - job.submittedMs);
    return Math.max(0, ...waits);
  }

  /** What gearmand says. */
  status(): QueueStatus {
    const labels = [...new Set(this.all.map(({ label }) => label))];
    const functions = labels.map((label) => {
      const jobs = this.unfinished.filter((job) => job.label === label);
      const running = jobs.filter(({ startedMs }) => startedMs !== undefined).length;
      return { name: `build:gate:${label}`, total: jobs.length, running, workers: 1 };
    });
    return { servers: [{ server: 'gearman:4730', state: 'fresh', functions, ageMs: 0 }] };
  }

  /** Ends what has run long enough, and starts what finds an agent. */
  step(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const job of this.unfinished) {
      if (job.startedMs === undefined) this.#tryToStart(job);
      else if (!this.#isThere(job)) this.#lose(job);
      else if (nowMs - job.startedMs >= this.kind.runMs) this.#end(job);
    }
  }

  #tryToStart(job: Job): void {
    this.#turns += 1;
    const found = this.#free(job.label).sort((a, b) => this.#order(a.jenkins) - this.#order(b.jenkins))[0];
    if (found === undefined) return;
    const { nodename } = found.agent;
    found.jenkins.startBuild(nodename);
    Object.assign(job, { nodename, startedMs: this.#clock.monotonicMs() });
    const offline = this.kind.asksOffline ? { asksOffline: true as const } : {};
    this.#publish({ topic: 'onStarted', job: 'gate', nodename, ...offline });
  }

  #free(label: string): { readonly jenkins: FakeAgents; readonly agent: FakeAgent }[] {
    return this.#jenkins
      .flatMap((jenkins) => jenkins.nodenames.map((nodename) => ({ jenkins, agent: jenkins.agent(nodename) })))
      .filter(
        ({ agent }) => agent.connected && !agent.temporarilyOffline && !agent.busy && agent.labels.includes(label),
      );
  }

  /** Each Jenkins in turn. */
  #order(jenkins: FakeAgents): number {
    return (this.#jenkins.indexOf(jenkins) + this.#turns) % this.#jenkins.length;
  }

  #end(job: Job): void {
    const { nodename = '' } = job;
    this.#jenkinsOf(nodename)?.endBuild(nodename, this.kind.asksOffline ? 'offline' : undefined);
    job.endedMs = this.#clock.monotonicMs();
    this.#publish({ topic: 'onFinalized', job: 'gate', nodename, result: 'SUCCESS' });
  }

  #lose(job: Job): void {
    this.killed.push(job);
    job.endedMs = this.#clock.monotonicMs();
  }

  #isThere({ nodename = '' }: Job): boolean {
    return this.#jenkinsOf(nodename) !== undefined;
  }

  #jenkinsOf(nodename: string): FakeAgents | undefined {
    return this.#jenkins.find((jenkins) => jenkins.nodenames.includes(nodename));
  }
}
