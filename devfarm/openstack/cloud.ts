import type { Clock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import type { ServiceName } from './api-call.ts';
import type {
  ContainerRecord,
  FloatingIpRecord,
  ImageRecord,
  ImportTaskRecord,
  KeyPairRecord,
  NetworkRecord,
  ObjectRecord,
  PortRecord,
  SecurityGroupRecord,
  ServerRecord,
  SettingsRecord,
  TokenRecord,
} from './cloud-records.ts';
import type { EmulatorOptions, LiveSettings, Quota, Timings } from './emulator-options.ts';
import type { Collection, Journal } from './journal.ts';
import type { MachineBackend } from './machine-backend.ts';
import { stableHexId, stableUuid } from './stable-ids.ts';

export type CloudDeps = {
  readonly backend: MachineBackend;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  /** Aborted when the emulator closes. */
  readonly signal: AbortSignal;
};

/** Owner of what no tenant owns: public images and external networks. */
export const ADMIN_PROJECT_ID = stableHexId('project', 'admin');

/** The whole cloud: what it remembers, what it was told at start, and the machines behind it. */
export class Cloud {
  readonly options: EmulatorOptions;
  readonly deps: CloudDeps;
  /** Base URLs without a path, set when the services listen. */
  readonly origins: Record<ServiceName, string> = { identity: '', compute: '', image: '', network: '' };
  readonly tokens: Collection<TokenRecord>;
  readonly servers: Collection<ServerRecord>;
  readonly images: Collection<ImageRecord>;
  readonly importTasks: Collection<ImportTaskRecord>;
  readonly containers: Collection<ContainerRecord>;
  readonly objects: Collection<ObjectRecord>;
  readonly keyPairs: Collection<KeyPairRecord>;
  readonly ports: Collection<PortRecord>;
  readonly floatingIps: Collection<FloatingIpRecord>;
  readonly securityGroups: Collection<SecurityGroupRecord>;
  readonly networks: readonly NetworkRecord[];
  readonly #settings: Collection<SettingsRecord>;

  constructor(options: EmulatorOptions, journal: Journal, deps: CloudDeps) {
    this.options = options;
    this.deps = deps;
    this.tokens = journal.collection('token');
    this.servers = journal.collection('server');
    this.images = journal.collection('image');
    this.importTasks = journal.collection('importtask');
    this.containers = journal.collection('container');
    this.objects = journal.collection('object');
    this.keyPairs = journal.collection('keypair');
    this.ports = journal.collection('port');
    this.floatingIps = journal.collection('floatingip');
    this.securityGroups = journal.collection('securitygroup');
    this.#settings = journal.collection('settings');
    this.networks = options.networks.map((network) => {
      const owner = network.project ?? (network.external ? 'admin' : (options.projects[0]?.name ?? ''));
      return {
        id: stableUuid('network', `${owner} ${network.name}`),
        name: network.name,
        projectId: stableHexId('project', owner),
        isExternal: network.external,
        isShared: network.shared,
        cidr: network.cidr,
        subnetId: stableUuid('subnet', `${owner} ${network.name}`),
        createdAt: this.nowMs,
      };
    });
  }

  get nowMs(): number {
    return this.deps.clock.now().getTime();
  }

  get timings(): Timings {
    return { ...this.options.timings, ...given(this.#settings.find('settings')?.timings) };
  }

  quotaOf(projectId: string): Quota {
    const project = this.options.projects.find(({ name }) => stableHexId('project', name) === projectId);
    const base = project ?? this.options.projects[0];
    if (base === undefined) throw new Error('Cannot find a quota: there is no project');
    return { ...base.quota, ...given(this.#settings.find('settings')?.quotas[base.name]) };
  }

  /** Changes timings and quotas from now on; what is not named stays. */
  changeSettings(change: LiveSettings): void {
    const before = this.#settings.find('settings');
    const quotas = { ...before?.quotas };
    for (const [project, quota] of Object.entries(change.quotas ?? {})) {
      quotas[project] = { ...quotas[project], ...quota };
    }
    this.#settings.put({ id: 'settings', timings: { ...before?.timings, ...change.timings }, quotas });
  }

  /** Servers that count: all but those that are gone or on the last glimpse. */
  liveServers(projectId: string): ServerRecord[] {
    return this.servers.where((server) => server.projectId === projectId && server.vmState !== 'deleted');
  }

  /** A server that a call may name. */
  findServer(id: string, projectId: string): ServerRecord | undefined {
    const server = this.servers.find(id);
    return server === undefined || server.isGone || server.projectId !== projectId ? undefined : server;
  }

  findImage(id: string, projectId: string): ImageRecord | undefined {
    const image = this.images.find(id);
    return image !== undefined && (image.owner === projectId || image.visibility === 'public') ? image : undefined;
  }

  /** Networks that a project sees: its own, shared and external ones. */
  networksOf(projectId: string): NetworkRecord[] {
    return this.networks
      .filter((each) => each.projectId === projectId || each.isShared || each.isExternal)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The project's security group of that name or id; `default` always exists. */
  findSecurityGroup(nameOrId: string, projectId: string): SecurityGroupRecord | undefined {
    return this.securityGroupsOf(projectId).find(({ id, name }) => id === nameOrId || name === nameOrId);
  }

  securityGroupsOf(projectId: string): SecurityGroupRecord[] {
    const id = stableUuid('securitygroup', projectId);
    const standard = { id, projectId, name: 'default', description: 'Default security group', createdAt: 0 };
    return [standard, ...this.securityGroups.where((group) => group.projectId === projectId)];
  }
}

/** The keys that have a value. */
function given(values: Readonly<Record<string, number | undefined>> | undefined): Record<string, number> {
  const entries = Object.entries(values ?? {}).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}
