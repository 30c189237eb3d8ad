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
  return statsdMetrics(new StatsdSocket({ host: host ?? 'localhost', port: Number(port ?? DEFAULT_PORT) }, log));
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
    sendGauges: (counts, config) => {
      for (const [key, value] of nodeGauges(counts, config)) statsd.gauge(key, value);
    },
  };
}

function launchPrefixes(node: Node, image: string): readonly string[] {
  const owner = node.manager === undefined ? `target.${node.target}` : `manager.${node.manager}`;
  const zone = node.az === undefined ? [] : [`provider.${node.provider}.${node.az}`];
  const places = [`provider.${node.provider}`, `image.${image}`, ...zone, owner];
  return ['nodepool.launch', ...places.map((place) => `nodepool.launch.${place}`)];
}
