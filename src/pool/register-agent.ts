import type { Launch, LaunchDeps } from './launch.ts';

export type RegisterDeps = Pick<LaunchDeps, 'nodes' | 'agents' | 'clock' | 'log' | 'task'>;

/** A node and the sections of the configuration that say how to register it. */
export type Registration = Omit<Launch, 'label'>;

/**
 * Makes the node an agent of its target's Jenkins and stores that it was done. Safe to repeat.
 * Does nothing for a target without Jenkins, and for a node that is no longer ready or in test.
 */
export async function registerAgent(
  launch: Omit<Launch, 'label'>,
  deps: RegisterDeps,
  signal: AbortSignal,
): Promise<void> {
  const { node, image, provider, target } = launch;
  if (deps.agents === undefined || node.nodename === undefined || node.ip === undefined) return;
  if (node.state !== 'ready' && node.state !== 'test') return;
  deps.task.waitOn(`jenkins of ${target.name}`);
  await deps.agents.ensure(
    {
      nodename: node.nodename,
      description: `Dynamic single use ${node.label} node`,
      ...(node.state === 'ready' && { label: node.label }),
      remoteFolder: image.userHome,
      host: node.ip,
      port: provider.sshPort,
      username: image.username,
      privateKeyPath: image.privateKey,
    },
    signal,
  );
  await deps.nodes.record(node.id, { registeredAt: deps.clock.now() });
  deps.log.info(`Node id: ${node.id} added to jenkins`, { target: target.name, nodename: node.nodename });
  await startTestJob(launch, deps, signal);
}

async function startTestJob(launch: Registration, deps: RegisterDeps, signal: AbortSignal): Promise<void> {
  const { node, target } = launch;
  const testJob = target.jenkins?.testJob;
  if (node.state !== 'test' || testJob === undefined || node.nodename === undefined) return;
  await deps.agents?.startTestJob(testJob, node.nodename, signal);
}
