import { ONE_JOB_ONLY } from '../node/agents.ts';
import type { JobEvent } from '../node/job-event.ts';
import type { Node } from '../node/node.ts';
import { describeError } from '../runtime/errors.ts';
import type { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Farm } from './farm.ts';
import { nodeTask } from './launch-pass.ts';
import { crashPoint } from '../runtime/crash-point.ts';

export type SingleUseDeps = {
  readonly farm: () => Farm;
  readonly closings: KeyedTasks;
  readonly log: Logger;
};

/**
 * Keeps a node to one job where the job does not do that itself: its agent is taken offline while the build runs, which
 * goes on to its own result (contract: Jenkins, J8). Otherwise a second build may start within milliseconds of the first
 * one's end, before any event of it.
 */
export class SingleUse {
  readonly #deps: SingleUseDeps;
  /** Used nodes that take no second build: their job takes them offline, as it said, or we did. */
  readonly #closed = new Map<number, 'by its job' | 'by us'>();

  constructor(deps: SingleUseDeps) {
    this.#deps = deps;
  }

  /** A job started on the node, its first or not: what was known of an earlier one did not keep this one away. */
  jobStarted(node: Node, { asksOffline }: Pick<JobEvent, 'asksOffline'>, signal: AbortSignal): void {
    if (asksOffline === true) this.#closed.set(node.id, 'by its job');
    else this.closeAgain(node, signal);
  }

  /** Takes the agent of a used node offline, unless it is known that it takes no second build. Safe to repeat. */
  close(node: Node, signal: AbortSignal): void {
    if (!this.#closed.has(node.id)) this.closeAgain(node, signal);
  }

  /** Takes the agent of a used node offline, whatever is known of it. Safe to repeat. */
  closeAgain(node: Node, signal: AbortSignal): void {
    const { closings, farm, log } = this.#deps;
    const agents = farm().agentsOf(node.target);
    const { id, nodename } = node;
    if (agents === undefined || nodename === undefined) return;
    this.#closed.delete(id);
    closings.start(nodeTask(node), signal, async (task, inner) => {
      task.waitOn(`agent ${nodename} in jenkins of ${node.target}`);
      try {
        crashPoint('closing-sent');
        await agents.setOffline(nodename, ONE_JOB_ONLY, inner);
        crashPoint('closing-answered');
        this.#closed.set(id, 'by us');
      } catch (error) {
        inner.throwIfAborted();
        log.warn(`Node id: ${id} may get a second job: ${describeError(error)}`, { nodename }); // reconciliation tries again
      }
    });
  }

  /** Jenkins may have ended meanwhile, and with it the jobs and what they asked of it. What we told it, it keeps. */
  distrustJobs(): void {
    for (const [id, how] of this.#closed) if (how === 'by its job') this.#closed.delete(id);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#deps.closings.settled();
  }

  /** Forgets all others. */
  keepOnly(ids: ReadonlySet<number>): void {
    for (const id of this.#closed.keys()) if (!ids.has(id)) this.#closed.delete(id);
  }
}
