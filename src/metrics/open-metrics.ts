/** Metrics: statsd with upstream's key names, kept exactly. */
import type { DiskImageMetrics } from '../image/disk-image-metrics.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { NodeCount } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Logger } from '../runtime/logger.ts';
import { type MetricName, metricNames } from './metric-name.ts';
import { nodeGauges, type GaugedConfig } from './node-gauges.ts';
import { type StatsdDeps, StatsdSocket } from './statsd-socket.ts';

export type Metrics = {
  readonly nodes: NodeMetrics;
  readonly diskImages: DiskImageMetrics;
  readonly calls: {
    readonly onCloudCall: (provider: string, name: string, ms: number) => void;
    readonly onJenkinsCall: (target: string, name: string, ms: number) => void;
  };
  /** Sends the gauges of node states. */
  readonly sendGauges: (counts: readonly NodeCount[], config: GaugedConfig) => void;
};

const DEFAULT_HOST = 'localhost';
const DEFAULT_PORT = 8125;

/** Metrics as STATSD_HOST and STATSD_PORT ask for; without either, none (upstream: stats). */
export function openMetrics(environment: Readonly<Record<string, string | undefined>>, deps: StatsdDeps): Metrics {
  const { STATSD_HOST: host = '', STATSD_PORT: port = '' } = environment;
  if (host === '' && port === '') return NO_METRICS;
  const address = { host: host === '' ? DEFAULT_HOST : host, port: parsePort(port, deps.log) };
  return statsdMetrics(new StatsdSocket(address, deps), metricNames(environment));
}

function parsePort(text: string, log: Logger): number {
  if (text === '') return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port > 0 && port < 65_536) return port;
  log.warn(`STATSD_PORT "${text}" is no port, using ${DEFAULT_PORT}`);
  return DEFAULT_PORT;
}

const nothing = (): void => undefined;

const NO_METRICS: Metrics = {
  nodes: {
    launchEnded: nothing,
    nodeDeleted: nothing,
    jobSucceeded: nothing,
    leaksSeen: nothing,
    imageUpdated: nothing,
  },
  diskImages: { diskImageBuilt: nothing },
  calls: { onCloudCall: nothing, onJenkinsCall: nothing },
  sendGauges: nothing,
};

function statsdMetrics(statsd: StatsdSocket, nameOf: MetricName): Metrics {
  const keyOf = (prefix: string, ...names: readonly string[]): string => [prefix, ...names.map(nameOf)].join('.');
  const task = (peer: string, name: string, ms: number): void => {
    statsd.timing(keyOf('nodepool.task', peer, name), ms);
  };
  return {
    nodes: {
      launchEnded: (node, { image, outcome, ms }) => {
        for (const place of launchPlaces(node, image)) {
          statsd.timing(`${keyOf('nodepool.launch', ...place)}.${outcome}`, ms);
        }
      },
      nodeDeleted: (node, { image, ms }) => {
        statsd.timing(keyOf('nodepool.delete', image ?? 'None', node.provider, node.target), ms);
      },
      jobSucceeded: (node, { name, branch, ms }) => {
        const names = [name, branch ?? 'unknown_branch', node.label, node.provider];
        for (let length = 1; length <= names.length; length += 1) {
          const key = keyOf('nodepool.job', ...names.slice(0, length));
          statsd.loneTiming(`${key}.runtime`, ms); // its counter has a name of its own
          statsd.increment(`${key}.builds`);
        }
      },
      leaksSeen: (provider, { servers, ports }) => {
        const key = keyOf('nodepool.provider', provider);
        statsd.gauge(`${key}.leaked.instances`, servers);
        statsd.gauge(`${key}.leaked.ports`, ports);
      },
      imageUpdated: ({ provider, image, ms }) => {
        statsd.timing(keyOf('nodepool.image_update', image, provider), ms);
      },
    },
    diskImages: {
      diskImageBuilt: ({ diskimage, ms, bytesOnDisk }) => {
        const key = keyOf('nodepool.dib_image_build', diskimage);
        statsd.timing(key, ms);
        for (const [format, bytes] of bytesOnDisk) statsd.gauge(`${key}.${nameOf(format)}.size`, bytes);
      },
    },
    calls: { onCloudCall: task, onJenkinsCall: task },
    sendGauges: gaugeSender(statsd, nameOf),
  };
}

/** A gauge that was sent once is sent as zero when its label or provider is gone: statsd keeps the last value for ever. */
function gaugeSender(statsd: StatsdSocket, nameOf: MetricName): Metrics['sendGauges'] {
  let before: ReadonlyMap<string, number> = new Map();
  return (counts, config) => {
    const gauges = nodeGauges(counts, config, nameOf);
    for (const key of before.keys()) if (!gauges.has(key)) statsd.gauge(key, 0);
    for (const [key, value] of gauges) statsd.gauge(key, value);
    before = gauges;
  };
}

/** The names below `nodepool.launch` under which a launch counts. */
function launchPlaces(node: Node, image: string): readonly (readonly string[])[] {
  const owner = node.manager === undefined ? ['target', node.target] : ['manager', node.manager];
  const zone = node.az === undefined ? [] : [['provider', node.provider, node.az]];
  return [[], ['provider', node.provider], ['image', image], ...zone, owner];
}
