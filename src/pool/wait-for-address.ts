import type { Node } from '../node/node.ts';
import { awaitActive } from '../provider/await-server.ts';
import type { ReachableAddresses } from '../provider/cloud-provider.ts';
import { QuotaExceededError } from '../provider/errors.ts';
import { floatingNote } from '../provider/floating-note.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { describeError } from '../runtime/errors.ts';
import { isFreed } from './is-freed.ts';
import { LaunchError } from './launch-error.ts';
import { beginStep, markFailed, recordLaunch, remainingMs } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';

/**
 * Waits until the server is ACTIVE and stores where it can be reached.
 * @throws {QuotaExceededError} the cloud accepted the server and then had no room, or has no address for it; the node is
 * in state `delete`
 */
export async function waitForAddress(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<Node> {
  const { node, provider } = launch;
  if (node.ip !== undefined) return node;
  const id = requireServer(node);
  const waiting = await beginStep(node, 'wait-active', deps);
  const wait = { id, ms: remainingMs(waiting, provider.launchTimeoutMs, deps) };
  const { addresses, az } = await reach(node, wait, { deps, signal }).catch(async (error: unknown) => {
    // Deleted like any other, with its row: nobody's failure, but it would count as supply.
    if (error instanceof QuotaExceededError) await markFailed(node, describeError(error), deps);
    throw error;
  });
  if (addresses.public === undefined) {
    throw new LaunchError({ outcome: 'error.network', blames: 'cloud' }, 'Unable to find public IP of server');
  }
  const facts = definedOnly({ ip: addresses.public, privateIp: addresses.private, az });
  const stored = await recordLaunch(waiting, { ...facts, step: 'wait-ssh', stepStartedAt: deps.clock.now() }, deps);
  crashPoint('address-stored');
  return stored;
}

/** Waits for the server and takes what it needs to be reached. */
async function reach(
  node: Node,
  wait: { readonly id: string; readonly ms: number },
  { deps, signal }: { readonly deps: LaunchDeps; readonly signal: AbortSignal },
): Promise<{ readonly addresses: ReachableAddresses; readonly az: string | undefined }> {
  deps.task.waitOn(`server ${wait.id} to become ACTIVE`);
  const server = await awaitActive(wait, deps, signal);
  deps.task.waitOn(`an address of server ${wait.id}`);
  const note = floatingNote({ kind: 'node', id: node.id, installation: deps.installationId });
  const claim = { note, mayReuse: (other: string) => isFreed(other, deps) };
  const addresses = await deps.cloud.makeReachable(server, claim, signal);
  crashPoint('address-made');
  return { addresses, az: server.az };
}

/** The node's server id, which the step before stored. */
export function requireServer(node: Node): string {
  if (node.externalId === undefined) throw new Error(`Node ${node.id} has no server id at step ${node.step ?? 'none'}`);
  return node.externalId;
}
