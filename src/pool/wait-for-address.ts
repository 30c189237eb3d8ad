import type { Node } from '../node/node.ts';
import { awaitActive } from '../provider/await-server.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { LaunchError } from './launch-error.ts';
import { beginStep, recordLaunch, remainingMs } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';

/** Waits until the server is ACTIVE and stores where it can be reached. */
export async function waitForAddress(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<Node> {
  const { node, provider } = launch;
  if (node.ip !== undefined) return node;
  const id = requireServer(node);
  const waiting = await beginStep(node, 'wait-active', deps);
  deps.task.waitOn(`server ${id} to become ACTIVE`);
  const server = await awaitActive({ id, ms: remainingMs(waiting, provider.launchTimeoutMs, deps) }, deps, signal);
  const addresses = deps.cloud.addressesOf(server);
  if (addresses.public === undefined) {
    throw new LaunchError({ outcome: 'error.network', blames: 'cloud' }, 'Unable to find public IP of server');
  }
  const facts = definedOnly({ ip: addresses.public, privateIp: addresses.private, az: server.az });
  const stored = await recordLaunch(waiting, { ...facts, step: 'wait-ssh', stepStartedAt: deps.clock.now() }, deps);
  crashPoint('address-stored');
  return stored;
}

/** The node's server id, which the step before stored. */
export function requireServer(node: Node): string {
  if (node.externalId === undefined) throw new Error(`Node ${node.id} has no server id at step ${node.step ?? 'none'}`);
  return node.externalId;
}
