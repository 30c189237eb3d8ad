import type { LaunchStep, Node, NodeFacts } from '../node/node.ts';
import { applyToCurrent } from './apply-to-current.ts';
import { LaunchEndedError } from './launch-error.ts';
import type { LaunchDeps } from './launch.ts';

/**
 * Stores facts of a launch and reads the row back.
 * @throws {LaunchEndedError} someone held or deleted the node meanwhile
 */
export async function recordLaunch(node: Node, facts: NodeFacts, deps: LaunchDeps): Promise<Node> {
  const now = await deps.nodes.record(node.id, facts);
  if (now?.state !== 'building') throw new LaunchEndedError(endedMessage(node));
  return now;
}

/** Stores that a step begins, with the time from which its deadline counts. A resumed step keeps its first start. */
export async function beginStep(node: Node, step: LaunchStep, deps: LaunchDeps): Promise<Node> {
  if (node.step === step && node.stepStartedAt !== undefined) return node;
  return await recordLaunch(node, { step, stepStartedAt: deps.clock.now() }, deps);
}

/** A daemon that was away for longer than the limit looks at least for so long: the machine may be waiting for it. */
const LEAST_LOOK_MS = 30_000;

/** What is left of a limit that began with the node's step. */
export function remainingMs(node: Node, limitMs: number, deps: LaunchDeps): number {
  const startedAt = node.stepStartedAt ?? deps.clock.now();
  const leftMs = limitMs - (deps.clock.now().getTime() - startedAt.getTime());
  return Math.max(leftMs, Math.min(limitMs, LEAST_LOOK_MS));
}

/** Turns a `building` node to `delete`. Undefined: it is not (any more) in that state. */
export async function markFailed(node: Node, why: string, deps: Pick<LaunchDeps, 'nodes'>): Promise<Node | undefined> {
  const current = await deps.nodes.find(node.id);
  if (current?.state !== 'building') return undefined;
  return await applyToCurrent({ node: current, event: 'launchFailed', cause: { who: 'launcher', why } }, deps.nodes);
}

/** What the log says when a launch stops because its node was taken out of its hands. */
export function endedMessage(node: Node): string {
  return `Launch of node id: ${node.id} ends here: the node was held or deleted meanwhile`;
}
