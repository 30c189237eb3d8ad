import type { Clock } from '../../src/runtime/clock.ts';
import type { BuildRunner } from './build-runner.ts';
import type { ChangeBell } from './change-bell.ts';
import type { Computers } from './computers.ts';
import type { BuildRecord, JobRecord } from './farm-records.ts';
import { mayRunOn } from './gearman-functions.ts';
import type { JobBook } from './job-book.ts';

/** A build that was asked for by HTTP. */
export type QueueItem = {
  readonly id: number;
  readonly job: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly queuedAtMs: number;
  /** End of its quiet period. */
  readonly dueAtMs: number;
  /** Set when it left the queue: with a build, or cancelled. */
  left?: { readonly atMs: number; readonly build?: BuildRecord };
};

/** Why an item waits: Jenkins' class of it, and its words. */
export type Waiting = { readonly kind: 'WaitingItem' | 'BlockedItem' | 'BuildableItem'; readonly why: string };

export type BuildQueueDeps = {
  readonly computers: Computers;
  readonly jobs: JobBook;
  readonly runner: BuildRunner;
  readonly bell: ChangeBell;
  readonly clock: Clock;
  readonly isQuietingDown: () => boolean;
  readonly signal: AbortSignal;
};

const LEFT_ITEM_MS = 5 * 60_000;

/** Jenkins' queue: starts builds as soon as an executor with their label is free. */
export class BuildQueue {
  readonly #deps: BuildQueueDeps;
  readonly #items = new Map<number, QueueItem>();
  #lastId = 0;

  constructor(deps: BuildQueueDeps) {
    this.#deps = deps;
    deps.bell.listen(() => {
      this.#schedule();
    });
  }

  /** Those that wait, oldest first. */
  waiting(): readonly QueueItem[] {
    return [...this.#items.values()].filter((item) => item.left === undefined);
  }

  /** Also one that left at most five minutes ago. */
  find(id: number): QueueItem | undefined {
    const item = this.#items.get(id);
    const isForgotten = item?.left !== undefined && this.#nowMs() - item.left.atMs > LEFT_ITEM_MS;
    if (isForgotten) this.#items.delete(id);
    return isForgotten ? undefined : item;
  }

  /** Asks for a build; one that waits with the same parameters is that build. */
  add(job: JobRecord, parameters: Readonly<Record<string, string>>, delayMs: number): QueueItem {
    const wanted = JSON.stringify(parameters);
    const same = this.waiting().find((item) => item.job === job.id && JSON.stringify(item.parameters) === wanted);
    if (same !== undefined) return same;
    this.#forget();
    this.#lastId += 1;
    const nowMs = this.#nowMs();
    const item: QueueItem = { id: this.#lastId, job: job.id, parameters, queuedAtMs: nowMs, dueAtMs: nowMs + delayMs };
    this.#items.set(item.id, item);
    this.#ringAt(delayMs);
    return item;
  }

  /** False: it is not there, or has left. */
  cancel(id: number): boolean {
    const item = this.find(id);
    if (item === undefined || item.left !== undefined) return false;
    item.left = { atMs: this.#nowMs() };
    return true;
  }

  /** Why an item waits. */
  waitsFor(item: QueueItem): Waiting {
    const job = this.#deps.jobs.find(item.job);
    const leftMs = item.dueAtMs - this.#nowMs();
    if (leftMs > 0)
      return { kind: 'WaitingItem', why: `In the quiet period. Expires in ${(leftMs / 1000).toFixed(1)} sec` };
    if (this.#deps.isQuietingDown()) return { kind: 'BuildableItem', why: 'Jenkins is about to shut down' };
    const running = job?.concurrent === false ? this.#runningOf(job.id) : undefined;
    if (running !== undefined)
      return { kind: 'BlockedItem', why: `Build #${running} is already in progress (ETA: N/A)` };
    return { kind: 'BuildableItem', why: this.#whyNoExecutor(labelFor(job, item.parameters)) };
  }

  #whyNoExecutor(label: string | undefined): string {
    const fitting = this.#deps.computers.all().filter((computer) => mayRunOn(computer, label));
    const [first] = fitting;
    if (first === undefined) return `There are no nodes with the label ‘${label ?? ''}’`;
    const where = `‘${fitting.length === 1 ? first.name : (label ?? '')}’`;
    if (fitting.some((computer) => !computer.isOffline)) return `Waiting for next available executor on ${where}`;
    return fitting.length === 1 ? `${where} is offline` : `All nodes of label ${where} are offline`;
  }

  #schedule(): void {
    if (this.#deps.isQuietingDown() || this.#deps.signal.aborted) return;
    for (const item of this.waiting()) this.#tryToStart(item);
  }

  #tryToStart(item: QueueItem): void {
    const job = this.#deps.jobs.find(item.job);
    if (job === undefined || item.dueAtMs > this.#nowMs()) return;
    if (!job.concurrent && this.#runningOf(job.id) !== undefined) return;
    const label = labelFor(job, item.parameters);
    const computer = this.#deps.computers.all().find((one) => mayRunOn(one, label) && one.freeExecutor() !== undefined);
    const executor = computer?.freeExecutor();
    if (computer === undefined || executor === undefined) return;
    const order = { job, computer, executor, parameters: item.parameters, by: 'user', queueId: item.id } as const;
    item.left = { atMs: this.#nowMs(), build: this.#deps.runner.start(order).build };
  }

  #runningOf(job: string): number | undefined {
    return this.#deps.jobs.buildsOf(job).find((build) => build.result === undefined)?.number;
  }

  #ringAt(delayMs: number): void {
    const { bell, clock, signal } = this.#deps;
    if (delayMs <= 0) bell.ring();
    else
      void clock.sleep(delayMs, signal).then(
        () => {
          bell.ring();
        },
        () => undefined, // Jenkins stops
      );
  }

  #forget(): void {
    for (const id of this.#items.keys()) this.find(id);
  }

  #nowMs(): number {
    return this.#deps.clock.now().getTime();
  }
}

/** The node that a parameter names goes before the job's own label. */
function labelFor(job: JobRecord | undefined, parameters: Readonly<Record<string, string>>): string | undefined {
  const named = job?.nodeParameter === undefined ? undefined : parameters[job.nodeParameter];
  return named === undefined || named === '' ? job?.label : named;
}
