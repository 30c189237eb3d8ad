import PQueue from 'p-queue';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { RemoteError, type RemoteMachines } from '../provider/remote-machine.ts';
import { asError, describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Farm } from './farm.ts';
import { findLaunch } from './launch-pass.ts';
import type { Launch } from './launch.ts';
import { nodeLogin } from './prepare-machine.ts';

const CHECK_MS = 60_000; // upstream: 60 s
const CONCURRENCY = 10;

export type CheckDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly machines: RemoteMachines;
  readonly log: Logger;
};

/** Logs in to every ready node; one that does not answer goes (upstream: periodic check). */
export async function runCheckPass(deps: CheckDeps, signal: AbortSignal): Promise<void> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const nodes = await deps.nodes.list({ states: ['ready'] });
  await queue.addAll(nodes.map((node) => () => checkNode(node, deps, signal)));
}

async function checkNode(node: Node, deps: CheckDeps, signal: AbortSignal): Promise<void> {
  const launch = findLaunch(node, deps.farm());
  if (launch === undefined || node.ip === undefined) return;
  const fault = await loginFault(launch, deps, signal);
  if (fault === undefined) return;
  deps.log.error(`SSH Check failed for node id: ${node.id}`, { error: fault });
  // Our own key is at fault, not the node: deleting all of them would not mend it.
  if (fault instanceof RemoteError && fault.fault === 'key') return;
  try {
    await deps.nodes.apply(node, 'lost', { who: 'check', why: `SSH does not answer: ${describeError(fault)}` });
  } catch (error) {
    deps.log.warn(`Cannot delete node id: ${node.id} after its check`, { error }); // the next check finds it again
  }
}

/** Why the node cannot be logged in to; undefined: it can. */
async function loginFault(launch: Launch, deps: CheckDeps, signal: AbortSignal): Promise<Error | undefined> {
  try {
    await using _session = await deps.machines.open(nodeLogin(launch), { timeoutMs: CHECK_MS }, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return asError(error);
  }
}
