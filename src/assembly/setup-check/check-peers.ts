import { once } from 'node:events';
import { connect } from 'node:net';
import type { Config, GearmanServerConfig, TargetConfig } from '../../config/config.ts';
import { GearmanAdmin } from '../../gearman/gearman-admin.ts';
import { serverName } from '../../gearman/gearman-server.ts';
import { openAgents } from '../../jenkins/open-agents.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Randomness } from '../../runtime/randomness.ts';
import type { TaskBoard } from '../../runtime/task-board.ts';
import { type Finding, inspect } from './finding.ts';

export type PeerDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

/** Looks at all Gearman servers, event publishers and Jenkins masters, side by side. */
export function checkPeers(config: Config, deps: PeerDeps, signal: AbortSignal): readonly Promise<Finding>[] {
  return [
    ...config.gearmanServers.map((server) => checkGearman(server, deps, signal)),
    ...config.zmqPublishers.map((endpoint) => checkPublisher(endpoint, deps, signal)),
    ...config.targets.map((target) => checkTarget(target, deps, signal)),
  ];
}

async function checkGearman(server: GearmanServerConfig, deps: PeerDeps, signal: AbortSignal): Promise<Finding> {
  const advice = 'is gearmand, or Zuul with its own, running there?';
  return await inspect({ what: `gearman ${serverName(server)}`, advice }, { ...deps, signal }, async (inner) => {
    const admin = new GearmanAdmin(server, deps);
    try {
      const { rows } = await admin.status(inner);
      const queued = rows.reduce((sum, { total }) => sum + total, 0);
      return `${rows.length} functions, ${queued} jobs`;
    } finally {
      admin.close();
    }
  });
}

/** Only that somebody listens there: an event may not come for hours. */
async function checkPublisher(endpoint: string, deps: PeerDeps, signal: AbortSignal): Promise<Finding> {
  const advice = "is Jenkins running, and is its ZeroMQ plugin's port open to this host?";
  return await inspect({ what: `events ${endpoint}`, advice }, { ...deps, signal }, async (inner) => {
    const { hostname, port } = new URL(endpoint.replace(/^tcp:/, 'http:'));
    const socket = connect({ host: hostname, port: Number(port) });
    try {
      await once(socket, 'connect', { signal: inner });
      return 'somebody listens';
    } finally {
      socket.destroy();
    }
  });
}

async function checkTarget(target: TargetConfig, deps: PeerDeps, signal: AbortSignal): Promise<Finding> {
  const { jenkins, name } = target;
  if (jenkins === undefined) return { what: `target ${name}`, isGood: true, text: 'it has no Jenkins' };
  const advice = `look at ${jenkins.url}, and at "url", "user" and "apikey" of the target`;
  return await inspect({ what: `jenkins of target ${name}`, advice }, { ...deps, signal }, async (inner) => {
    const agents = openAgents(target, deps);
    try {
      const list = await agents.list(inner);
      if (!(await agents.isOnline(inner))) throw new Error('It is quieting down or refuses us');
      return `${list.length} agents, ${list.filter(({ busy }) => busy).length} of them busy`;
    } finally {
      await agents.close();
    }
  });
}
