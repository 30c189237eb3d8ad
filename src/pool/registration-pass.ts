import type { NodeStore } from '../node/node-store.ts';
import type { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { SharedComplaints } from '../runtime/shared-complaints.ts';
import type { Task } from '../runtime/task-board.ts';
import type { Farm } from './farm.ts';
import { findLaunch, nodeTask } from './launch-pass.ts';
import { registerAgent, type RegisterDeps, type Registration } from './register-agent.ts';

export type RegistrationPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly launches: KeyedTasks;
  /** By target. */
  readonly complaints: SharedComplaints;
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
    deps.launches.start(nodeTask(node), signal, async (task, inner) => {
      await tryToRegister(launch, { deps, registerDeps: deps.registerDeps(launch, farm, task) }, inner);
    });
  }
}

/** A failure is left to the next pass. */
async function tryToRegister(
  registration: Registration,
  { deps, registerDeps }: { readonly deps: RegistrationPassDeps; readonly registerDeps: RegisterDeps },
  signal: AbortSignal,
): Promise<void> {
  const { node, target } = registration;
  try {
    await registerAgent(registration, registerDeps, signal);
    deps.complaints.worked(target.name);
  } catch (error) {
    signal.throwIfAborted();
    deps.complaints.failed(target.name, `Node id: ${node.id} could not be added to jenkins of ${target.name}`, {
      error,
    });
  }
}
