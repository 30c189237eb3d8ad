/** Metrics: statsd with upstream's key names, kept exactly. */
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { NodeCount } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Logger } from '../runtime/logger.ts';
import { nodeGauges, type GaugedConfig } from './node-gauges.ts';
import { StatsdSocket } from './statsd-socket.ts';

export type Metrics = {
  readonly nodes: NodeMetrics;
  readonly calls: {
    readonly onCloudCall: (provider: string, name: string, ms: number) => void;
    readonly onJenkinsCall: (target: string, name: string, ms: number) => void;
  };
  /** Sends the gauges of node states. */
  readonly sendGauges: (counts: readonly NodeCount[], config: GaugedConfig) => void;
};

const DEFAULT_PORT = 8125;

/** Metrics as STATSD_HOST and STATSD_PORT ask for; without either, none (upstream: stats). */
export function openMetrics(environment: Readonly<Record<string, string | undefined>>, log: Logger): Metrics {
  const { STATSD_HOST: host, STATSD_PORT: port } = environment;
  if (host === undefined && port === undefined) return NO_METRICS;
  return statsdMetrics(new StatsdSocket({ host: host ?? 'localhost', port: parsePort(port, log) }, log));
}

function parsePort(text: string | undefined, log: Logger): number {
  if (text === undefined || text === '') return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port > 0 && port < 65_536) return port;
  log.warn(`STATSD_PORT "${text}" is no port, using ${DEFAULT_PORT}`);
  return DEFAULT_PORT;
}

const nothing = (): void => undefined;

const NO_METRICS: Metrics = {
  nodes: { launchEnded: nothing, nodeDeleted: nothing, jobSucceeded: nothing, imageUpdated: nothing },
  calls: { onCloudCall: nothing, onJenkinsCall: nothing },
  sendGauges: nothing,
};

function statsdMetrics(statsd: StatsdSocket): Metrics {
  const task = (peer: string, name: string, ms: number): void => {
    statsd.timing(`nodepool.task.${peer}.${name}`, ms);
  };
  return {
    nodes: {
      launchEnded: (node, { image, outcome, ms }) => {
        for (const prefix of launchPrefixes(node, image)) statsd.timing(`${prefix}.${outcome}`, ms);
      },
      nodeDeleted: (node, { image, ms }) => {
        statsd.timing(`nodepool.delete.${image ?? 'None'}.${node.provider}.${node.target}`, ms);
      },
      jobSucceeded: (node, { name, branch, ms }) => {
        const keys = [name, branch ?? 'unknown_branch', node.label, node.provider];
        for (let length = 1; length <= keys.length; length += 1) {
          const key = `nodepool.job.${keys.slice(0, length).join('.')}`;
          statsd.timing(`${key}.runtime`, ms);
          statsd.increment(`${key}.builds`);
        }
      },
      imageUpdated: ({ provider, image, ms }) => {
        statsd.timing(`nodepool.image_update.${image}.${provider}`, ms);
      },
    },
    calls: { onCloudCall: task, onJenkinsCall: task },
    sendGauges: gaugeSender(statsd),
  };
}

/** A gauge that was sent once is sent as zero when its label or provider is gone: statsd keeps the last value for ever. */
function gaugeSender(statsd: StatsdSocket): Metrics['sendGauges'] {
  let before: ReadonlyMap<string, number> = new Map();
  return (counts, config) => {
    const gauges = nodeGauges(counts, config);
    for (const key of before.keys()) if (!gauges.has(key)) statsd.gauge(key, 0);
    for (const [key, value] of gauges) statsd.gauge(key, value);
    before = gauges;
  };
}

function launchPrefixes(node: Node, image: string): readonly string[] {
  const owner = node.manager === undefined ? `target.${node.target}` : `manager.${node.manager}`;
  const zone = node.az === undefined ? [] : [`provider.${node.provider}.${node.az}`];
  const places = [`provider.${node.provider}`, `image.${image}`, ...zone, owner];
  return ['nodepool.launch', ...places.map((place) => `nodepool.launch.${place}`)];
}
