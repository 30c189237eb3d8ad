import { type Agent, type Agents, OFFLINE_BY_GEARMAN } from '../node/agents.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Logger } from '../runtime/logger.ts';
import type { PartedPass } from '../runtime/parted-pass.ts';
import type { Farm } from './farm.ts';
import { guardDeletion } from './guard.ts';

export type HoldPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly log: Logger;
  readonly eachTarget: PartedPass;
};

/**
 * Takes held nodes out of Jenkins, so that what an operator wants to look at is not changed by further jobs. A build that
 * runs goes on to its end first. An agent that its own job took offline stays, to be looked at too.
 */
export async function runHoldPass(deps: HoldPassDeps, signal: AbortSignal): Promise<void> {
  const held = await deps.nodes.list({ states: ['hold'] });
  const parts = [...new Set(held.map((node) => node.target))].map((target) => ({
    name: target,
    pass: (inner: AbortSignal) => withdrawFrom(target, deps, inner),
  }));
  await deps.eachTarget.run(parts, signal);
}

async function withdrawFrom(target: string, deps: HoldPassDeps, signal: AbortSignal): Promise<void> {
  const agents = deps.farm().agentsOf(target);
  if (agents === undefined) return;
  const held = await deps.nodes.list({ states: ['hold'], target });
  await withdrawAgents(held, { ...deps, agents }, signal);
}

async function withdrawAgents(
  nodes: readonly Node[],
  deps: HoldPassDeps & { readonly agents: Agents },
  signal: AbortSignal,
): Promise<void> {
  const listed = new Map((await deps.agents.list(signal)).map((agent) => [agent.nodename, agent]));
  for (const { id, nodename = '' } of nodes) {
    const agent = listed.get(nodename);
    if (agent === undefined || wentOfflineByItself(agent)) continue;
    const verdict = await guardDeletion(nodename, deps.agents, signal);
    if (verdict !== 'quiet') continue;
    if (await deps.agents.remove(nodename, signal))
      deps.log.info(`Took held node id: ${id} out of jenkins`, { nodename });
  }
}

function wentOfflineByItself(agent: Agent): boolean {
  return agent.temporarilyOffline && agent.offlineReason.includes(OFFLINE_BY_GEARMAN);
}
