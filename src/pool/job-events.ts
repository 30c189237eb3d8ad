import type { JobEvent } from '../node/job-event.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { applyToCurrent } from './apply-to-current.ts';
import { crashPoint } from '../runtime/crash-point.ts';

export type JobEventDeps = {
  readonly nodes: NodeStore;
  readonly metrics: NodeMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** The target's test job, whose start does not use a node. */
  readonly testJobOf: (node: Node) => string | undefined;
  /** Least wait between the end of a job and the deletion. */
  readonly deleteDelayMs: () => number;
  /** Told of each node whose test job passed: its agent gets its label. */
  readonly admitTested: (node: Node) => void;
  /** Told of each start of a job on a node that is used then, also of one that another daemon noticed before. */
  readonly afterStart: (node: Node, event: JobEvent) => void;
  /** Told of each node whose job ended, with the row as it is now. */
  readonly afterFinish: (node: Node) => void;
};

/** Takes in one build event. Events are hints: what does not apply (late, unknown, held) is logged and dropped. */
export async function applyJobEvent(event: JobEvent, deps: JobEventDeps): Promise<void> {
  const node = await deps.nodes.findByNodename(event.nodename);
  if (node === undefined) {
    deps.log.debug(`Unable to find node with nodename: ${event.nodename}`, { job: event.job });
    return;
  }
  if (node.state === 'test' || isTestJob(event, node, deps)) await applyTestEvent(event, node, deps);
  else if (event.topic === 'onStarted') await startJob(event, node, deps);
  else await finishJob(event, node, deps);
}

function isTestJob(event: JobEvent, node: Node, deps: JobEventDeps): boolean {
  return deps.testJobOf(node) === event.job;
}

async function startJob(event: JobEvent, node: Node, deps: JobEventDeps): Promise<void> {
  const cause = { who: 'zmq', why: `Job ${event.job} started` };
  crashPoint('job-start-heard');
  const used = await applyToCurrent({ node, event: 'jobStarted', cause }, deps.nodes);
  if (used === undefined) {
    deps.log.info(`Late start of ${event.job} on node id: ${node.id} in state ${node.state} ignored`);
    await closeIfUsed(node, event, deps);
    return;
  }
  crashPoint('job-start-stored');
  deps.log.info(`Setting node id: ${node.id} to USED`, { job: event.job });
  deps.afterStart(used, event);
}

/**
 * Another daemon, or reconciliation, noticed this start before us, and may be gone before it did anything; or it is a
 * second job's. A node in hold is its operator's; one in `delete` has a guard of its own.
 */
async function closeIfUsed({ id }: Node, event: JobEvent, { nodes, afterStart }: JobEventDeps): Promise<void> {
  const now = await nodes.find(id);
  if (now?.state === 'used') afterStart(now, event);
}

async function finishJob(event: JobEvent, node: Node, deps: JobEventDeps): Promise<void> {
  if (node.state === 'hold') {
    deps.log.info(`Node id: ${node.id} is complete but in HOLD state`, { job: event.job });
    return;
  }
  const cause = { who: 'zmq', why: `Job ${event.job} finished: ${event.result ?? 'no result'}` };
  const facts = deletionFacts(deps);
  crashPoint('job-end-heard');
  const finished = await applyToCurrent({ node, event: 'jobFinished', cause, facts }, deps.nodes);
  if (finished === undefined) {
    deps.log.debug(`End of ${event.job} on node id: ${node.id} in state ${node.state} ignored`);
    return;
  }
  crashPoint('job-end-stored');
  deps.log.info(`Node id: ${node.id} is complete`, { job: event.job, result: event.result });
  countSuccess(event, node, deps);
  deps.afterFinish(finished);
}

/** Only for a node that was seen to be used: without the start of its job there is no runtime to tell. */
function countSuccess(event: JobEvent, node: Node, { metrics, clock }: JobEventDeps): void {
  if (event.result !== 'SUCCESS' || node.state !== 'used') return;
  const ms = clock.now().getTime() - node.stateChangedAt.getTime();
  metrics.jobSucceeded(node, { name: event.job, branch: event.branch, ms });
}

/** What is stored with the end of a job: when its node may be deleted. */
export function deletionFacts(deps: Pick<JobEventDeps, 'clock' | 'deleteDelayMs'>): { readonly deleteAfter?: Date } {
  const delayMs = deps.deleteDelayMs();
  return delayMs > 0 ? { deleteAfter: new Date(deps.clock.now().getTime() + delayMs) } : {};
}

async function applyTestEvent(event: JobEvent, node: Node, deps: JobEventDeps): Promise<void> {
  if (event.topic === 'onStarted' || !isTestJob(event, node, deps)) return;
  const passed = event.result === 'SUCCESS';
  const cause = { who: 'zmq', why: `Test job ${event.job} ended: ${event.result ?? 'no result'}` };
  const change = passed
    ? ({ node, event: 'testPassed', cause } as const)
    : ({ node, event: 'testFailed', cause, facts: deletionFacts(deps) } as const);
  const tested = await applyToCurrent(change, deps.nodes);
  // Relabelled after the row is ready: Jenkins may use it at once.
  if (tested?.state === 'ready') deps.admitTested(tested);
}
