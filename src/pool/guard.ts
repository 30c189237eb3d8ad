import type { Agents } from '../node/agents.ts';
import { crashPoint } from '../runtime/crash-point.ts';

/** What the guard found: no agent, an agent that takes no builds and runs none, or one with a running build. */
export type GuardVerdict = 'absent' | 'quiet' | 'busy';

/**
 * The guard before every deletion: makes sure that the agent takes no more builds, and that a read after that shows it
 * idle. Takes the agent offline by the idempotent call, never by toggling after a read: the gearman plugin sets its own
 * flag within milliseconds of the event (contract: Jenkins, J8).
 * @throws {TransientProviderError} Jenkins does not say; nothing may be deleted then
 */
export async function guardDeletion(nodename: string, agents: Agents, signal: AbortSignal): Promise<GuardVerdict> {
  const seen = await agents.find(nodename, signal);
  if (seen === undefined) return 'absent';
  if (seen.temporarilyOffline) return seen.busy ? 'busy' : 'quiet';
  crashPoint('guard-offline-sent');
  if (!(await agents.setOffline(nodename, 'Nodepool is about to delete this node', signal))) return 'absent';
  crashPoint('guard-offline-answered');
  const later = await agents.find(nodename, signal);
  if (later === undefined) return 'absent';
  return later.busy ? 'busy' : 'quiet';
}
