import type { Agents } from '../../node/agents.ts';
import type { HistoryStore } from '../../node/history-store.ts';
import type { CloudProvider } from '../../provider/cloud-provider.ts';
import type { Logger } from '../../runtime/logger.ts';
import { guardDeletion } from '../guard.ts';

/** Agents and keypairs bear no mark of an installation: what proves that one was ours is the history of removed rows. */
export type LeftOverDeps = {
  readonly history: Pick<HistoryStore, 'wasRemoved'>;
  /** Names of agents and keypairs that rows, or the operator, have; read after what they are compared with. */
  readonly namesInUse: () => Promise<ReadonlySet<string>>;
  /** Whether the pass before saw it too. */
  readonly isDue: (name: string) => boolean;
  readonly log: Logger;
};

/** Deletes the keypairs of builds whose rows are gone. */
export async function reapKeypairs(cloud: CloudProvider, deps: LeftOverDeps, signal: AbortSignal): Promise<void> {
  for (const name of await leftOver(await cloud.listKeypairs(signal), deps)) {
    deps.log.warn(`Deleting leaked keypair ${name} in ${cloud.name}`);
    await cloud.deleteKeypair(name, signal);
  }
}

/** Deletes the agents of nodes whose rows are gone; never one on which a build runs. */
export async function reapAgents(agents: Agents, deps: LeftOverDeps, signal: AbortSignal): Promise<void> {
  const listed = (await agents.list(signal)).map(({ nodename }) => nodename);
  for (const nodename of await leftOver(listed, deps)) {
    if ((await guardDeletion(nodename, agents, signal)) !== 'quiet') continue;
    if (await agents.remove(nodename, signal)) deps.log.warn(`Deleted leaked agent ${nodename} of ${agents.target}`);
  }
}

async function leftOver(
  names: readonly string[],
  { history, namesInUse, isDue }: LeftOverDeps,
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const inUse = await namesInUse();
  const found: string[] = [];
  for (const name of names) {
    if (!inUse.has(name) && (await history.wasRemoved(name)) && isDue(name)) found.push(name);
  }
  return found;
}
