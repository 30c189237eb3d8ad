import type { Agents } from '../node/agents.ts';
import type { NodeState } from '../node/lifecycle.ts';
import type { Node } from '../node/node.ts';
import type { Server } from '../provider/cloud-provider.ts';
import { applyToCurrent } from './apply-to-current.ts';
import { guardDeletion } from './guard.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import { crashPoint } from '../runtime/crash-point.ts';

export type RegisterDeps = Pick<LaunchDeps, 'nodes' | 'agents' | 'clock' | 'log' | 'task'> & {
  /** Looks whether the machine is still there; undefined: it is gone. Absent where it was seen just now. */
  readonly findServer?: (id: string, signal: AbortSignal) => Promise<Server | undefined>;
};

/** A node and the sections of the configuration that say how to register it. */
export type Registration = Omit<Launch, 'label'>;

/** States in which Jenkins may have the node. */
const IN_USE: readonly (NodeState | undefined)[] = ['ready', 'test', 'used'];

/**
 * Makes the node an agent of its target's Jenkins and stores that it was done. Safe to repeat.
 * Does nothing for a target without Jenkins, and for a node that is no longer ready or in test, or was registered.
 */
export async function registerAgent(launch: Registration, deps: RegisterDeps, signal: AbortSignal): Promise<void> {
  const { agents } = deps;
  // Read again: the caller's row may be from before its wait, and Jenkins must not see a node that was held since.
  const node = await deps.nodes.claim(launch.node.id);
  if (agents === undefined || node?.nodename === undefined || node.ip === undefined) return;
  if (!isUnregistered(node) || (await isMachineGone(node, deps, signal))) return;
  const agent = { id: node.id, nodename: node.nodename, agents };
  crashPoint('agent-sent');
  await ensureAgent({ ...launch, node }, { ...agent, host: node.ip }, { deps, signal });
  crashPoint('agent-made');
  const now = await deps.nodes.record(node.id, { registeredAt: deps.clock.now() });
  crashPoint('agent-recorded');
  if (!IN_USE.includes(now?.state)) {
    await withdraw(agent, deps, signal);
    return;
  }
  deps.log.info(`Node id: ${node.id} added to jenkins`, { target: launch.target.name, nodename: node.nodename });
  await startTestJob({ ...launch, node }, agent, signal);
}

function isUnregistered({ state, registeredAt }: Node): boolean {
  return (state === 'ready' || state === 'test') && registeredAt === undefined;
}

/** Its address may be another node's by now, on which Jenkins would start a second job. */
async function isMachineGone(
  node: Node,
  { nodes, findServer, log }: RegisterDeps,
  signal: AbortSignal,
): Promise<boolean> {
  if (findServer === undefined || node.externalId === undefined) return false;
  if ((await findServer(node.externalId, signal)) !== undefined) return false;
  const cause = { who: 'launcher', why: `Server ${node.externalId} is gone` };
  await applyToCurrent({ node, event: node.state === 'test' ? 'testFailed' : 'lost', cause }, nodes);
  log.warn(`Node id: ${node.id} is not added to jenkins: ${cause.why}`);
  return true;
}

type OwnAgent = { readonly id: number; readonly nodename: string; readonly agents: Agents };

async function ensureAgent(
  { node, image, provider, target }: Registration,
  { nodename, host, agents }: OwnAgent & { readonly host: string },
  { deps, signal }: { readonly deps: RegisterDeps; readonly signal: AbortSignal },
): Promise<void> {
  deps.task.waitOn(`jenkins of ${target.name}`);
  await agents.ensure(
    {
      nodename,
      description: `Dynamic single use ${node.label} node`,
      ...(node.state === 'ready' && { label: node.label }),
      remoteFolder: image.userHome,
      host,
      port: provider.sshPort,
      username: image.username,
      privateKeyPath: image.privateKey,
    },
    signal,
  );
}

/** The node was held, deleted or is gone since we looked, so nobody else knows of this agent yet. */
async function withdraw({ id, nodename, agents }: OwnAgent, deps: RegisterDeps, signal: AbortSignal): Promise<void> {
  const verdict = await guardDeletion(nodename, agents, signal);
  if (verdict === 'quiet') await agents.remove(nodename, signal);
  deps.log.info(`Node id: ${id} was held or deleted while it was added to jenkins`, { nodename, agent: verdict });
}

async function startTestJob(
  { node, target }: { readonly node: Node } & Pick<Registration, 'target'>,
  { nodename, agents }: OwnAgent,
  signal: AbortSignal,
): Promise<void> {
  const testJob = target.jenkins?.testJob;
  if (node.state === 'test' && testJob !== undefined) await agents.startTestJob(testJob, nodename, signal);
}
