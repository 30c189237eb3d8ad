/** OpenStack: the one adapter that speaks Keystone, Nova, Glance and Neutron. */
import type { ProviderConfig } from '../config/config.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { RequestGate } from '../runtime/request-gate.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { ApiCaller, type CallReport, type StreamLane } from './api-caller.ts';
import { Flavors } from './flavors.ts';
import { FloatingIps } from './floating-ips.ts';
import { HttpConnections } from './http-connections.ts';
import { DEFAULT_MICROVERSION } from './microversion.ts';
import { Networks } from './networks.ts';
import { OpenStackProvider } from './open-stack-provider.ts';
import { ServerLists } from './server-list.ts';
import { readServerList } from './servers.ts';
import { Session } from './session.ts';
import { UPLOAD_MS } from './upload.ts';

/** A bound that a working farm never meets: each node waits for one call at a time. */
const LEAST_QUEUE = 2_000;

/** Uploads share the line out of the building: more at once make none faster. */
const MOST_UPLOADS = 4;

/** `rate: 0.001` is how operators say "no limit". */
const NO_LIMIT_MS = 1;

export type ProviderDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  /** Hears of each HTTP exchange (statsd: `nodepool.task.PROVIDER.NAME`). */
  readonly onCall?: (report: CallReport) => void;
  /** Compute API version to ask for. Default 2.1. */
  readonly microversion?: string;
};

/** The provider as described by its configuration. Nothing is sent before the first call. Aborting `signal` closes it. */
export function openProvider(config: ProviderConfig, deps: ProviderDeps, signal?: AbortSignal): CloudProvider {
  const closing = new AbortController();
  const concurrency = concurrencyFor(config.minRequestGapMs);
  const http = new HttpConnections(config.cloud, concurrency + 1, deps);
  const uploadHttp = new HttpConnections(config.cloud, MOST_UPLOADS, deps);
  const api = buildCaller(config, { ...deps, http, uploadHttp, concurrency }, closing.signal);
  const caches = { api, clock: deps.clock };
  const { name, networks, cloud } = config;
  const usesTasks = cloud.imageApiUseTasks;
  const ownNetworks = new Networks({ provider: name, networks, cloudNetworks: cloud.networks }, caches, closing.signal);
  const provider = new OpenStackProvider({
    config,
    api,
    http,
    closing,
    flavors: new Flavors(name, caches, closing.signal),
    networks: ownNetworks,
    floatingIps: new FloatingIps(config, { ...caches, networks: ownNetworks, log: deps.log }, closing.signal),
    lists: new ServerLists(
      {
        clock: deps.clock,
        read: (inner) => readServerList(api, inner),
        ...(cloud.serverListAgeMs !== undefined && { slowestMs: cloud.serverListAgeMs }),
      },
      closing.signal,
    ),
    uploads: { ...caches, ...deps, provider: name, http: uploadHttp, closing: closing.signal, usesTasks },
  });
  signal?.addEventListener('abort', () => void provider.close(), { once: true, signal: closing.signal });
  return provider;
}

type CallerParts = ProviderDeps & {
  readonly http: HttpConnections;
  readonly uploadHttp: HttpConnections;
  readonly concurrency: number;
};

function buildCaller(config: ProviderConfig, parts: CallerParts, closing: AbortSignal): ApiCaller {
  const { http, clock, log, concurrency } = parts;
  const session = new Session(
    config.cloud,
    { http, clock, log, provider: config.name, timeoutMs: config.apiTimeoutMs },
    closing,
  );
  const gate = new RequestGate(
    {
      name: `provider ${config.name}`,
      minGapMs: config.minRequestGapMs > NO_LIMIT_MS ? config.minRequestGapMs : 0,
      concurrency,
      deadlineMs: config.apiTimeoutMs,
      maxQueued: Math.max(LEAST_QUEUE, 4 * config.maxServers),
    },
    parts,
  );
  const options = {
    provider: config.name,
    cloud: config.cloud,
    timeoutMs: config.apiTimeoutMs,
    microversion: parts.microversion ?? DEFAULT_MICROVERSION,
  };
  return new ApiCaller(options, { ...parts, session, gate, streams: buildUploadLane(config.name, parts) });
}

function buildUploadLane(provider: string, parts: CallerParts): StreamLane {
  const gate = new RequestGate(
    {
      name: `uploads of provider ${provider}`,
      minGapMs: 0,
      concurrency: MOST_UPLOADS,
      deadlineMs: UPLOAD_MS,
      maxQueued: LEAST_QUEUE,
    },
    parts,
  );
  return { http: parts.uploadHttp, gate, timeoutMs: UPLOAD_MS };
}

/** Where the pace is slow, a few connections are enough. */
function concurrencyFor(minRequestGapMs: number): number {
  if (minRequestGapMs >= 500) return 4;
  return minRequestGapMs >= 50 ? 8 : 16;
}
