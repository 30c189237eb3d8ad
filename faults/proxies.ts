import type { CleanupStack } from '../test/integration/cleanup-stack.ts';
import { type FaultMode, FaultyProxy, type ProxyOptions } from './faulty-proxy.ts';

export const PEERS = ['postgres', 'gearmand', 'jenkins', 'keystone', 'nova', 'glance', 'zeromq', 'ssh'] as const;
export type Peer = (typeof PEERS)[number];

/** Which of them speak HTTP. */
const SPEAK_HTTP: readonly Peer[] = ['jenkins', 'keystone', 'nova', 'glance'];

/** Whether a peer can fail so. */
export function canFail(peer: Peer, mode: FaultMode): boolean {
  return mode !== '5xx' || SPEAK_HTTP.includes(peer);
}

/** Where the peers themselves are. */
export type Endpoints = {
  readonly cloud: Readonly<Record<'identity' | 'compute' | 'image', string>>;
  readonly gearmanPort: number;
  readonly sshPort: number;
  /** Of each target, in order. */
  readonly jenkins: readonly { readonly url: string; readonly zmqEndpoint: string }[];
  readonly postgresSocket: string;
};

/** The proxies before a peer; the build events of both Jenkins are one peer. */
export type Proxies = Readonly<Record<Peer, readonly FaultyProxy[]>>;

export async function openProxies(endpoints: Endpoints, cleanups: CleanupStack): Promise<Proxies> {
  const open = async (options: ProxyOptions): Promise<FaultyProxy> => {
    const proxy = await FaultyProxy.start(options);
    cleanups.add(() => proxy[Symbol.asyncDispose]());
    return proxy;
  };
  const { cloud, jenkins } = endpoints;
  const tcp = (url: string): ProxyOptions => ({ target: () => ({ host: '127.0.0.1', port: portOf(url) }) });
  return {
    postgres: [await open({ target: () => ({ path: endpoints.postgresSocket }) })],
    gearmand: [await open(tcp(`tcp://127.0.0.1:${endpoints.gearmanPort}`))],
    jenkins: [await open(tcp(jenkins[0]?.url ?? ''))],
    keystone: [await open(tcp(cloud.identity))],
    nova: [await open(tcp(cloud.compute))],
    glance: [await open(tcp(cloud.image))],
    zeromq: await Promise.all(jenkins.map(({ zmqEndpoint }) => open(tcp(zmqEndpoint)))),
    // Machines have an address each, and Jenkins' own connections to them go this way too.
    ssh: [
      await open({
        target: (host) => ({ host, port: endpoints.sshPort }),
        ...{ host: '0.0.0.0', sparesStanding: true },
      }),
    ],
  };
}

export function portOf(url: string): number {
  return Number(/:(\d+)(?:\/|$)/.exec(url)?.[1] ?? 0);
}
