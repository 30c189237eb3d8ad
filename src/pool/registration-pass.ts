import type { NodeStore } from '../node/node-store.ts';
import type { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Task } from '../runtime/task-board.ts';
import type { Farm } from './farm.ts';
import { findLaunch, nodeKey } from './launch-pass.ts';
import { registerAgent, type RegisterDeps, type Registration } from './register-agent.ts';

export type RegistrationPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly launches: KeyedTasks;
  readonly registerDeps: (registration: Registration, farm: Farm, task: Task) => RegisterDeps;
};

/** Registers every node that is ready, or in test, and not yet an agent: Jenkins was away, or the daemon died before it. */
export async function runRegistrationPass(deps: RegistrationPassDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  for (const node of await deps.nodes.list({ states: ['ready', 'test'], claimable: true })) {
    if (node.registeredAt !== undefined || farm.agentsOf(node.target) === undefined) continue;
    const launch = findLaunch(node, farm);
    if (launch === undefined) continue;
    // Does nothing while its launch is under way, which registers it too.
    deps.launches.start(nodeKey(node), signal, async (task, inner) => {
      await registerAgent(launch, deps.registerDeps(launch, farm, task), inner);
    });
  }
}
