import type { Flavor } from './emulator-options.ts';

/** What the emulated cloud remembers. Instants are milliseconds since 1970. */

export type TokenRecord = {
  /** The token itself. */
  readonly id: string;
  readonly userId: string;
  readonly userName: string;
  /** Absent for a token without a project. */
  readonly projectName?: string;
  readonly methods: readonly string[];
  readonly auditIds: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
};

export type VmState = 'building' | 'active' | 'stopped' | 'error' | 'deleted';

export type ServerAction = {
  readonly action: string;
  readonly requestId: string;
  readonly startedAt: number;
  readonly message: string | null;
};

export type ServerRecord = {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly projectId: string;
  readonly userId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly launchedAt: number | null;
  readonly terminatedAt: number | null;
  readonly vmState: VmState;
  readonly taskState: string | null;
  readonly imageId: string;
  readonly flavor: Flavor;
  readonly keyName: string | null;
  readonly publicKeys: readonly string[];
  readonly userData?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly configDrive: boolean;
  /** As asked for at creation. */
  readonly requestedZone: string;
  /** Where it is being built or runs; empty before and after. */
  readonly zone: string;
  readonly host: string;
  /** What a tenant sees of the host. */
  readonly hostId: string;
  /** Networks and ports asked for. */
  readonly networks: readonly RequestedNetwork[];
  readonly securityGroups: readonly string[];
  /** Ids of its ports once it is ACTIVE. */
  readonly portIds: readonly string[];
  /** Floating addresses that its `addresses` show: a cache that lags behind, as Nova's does. */
  readonly shownFloating: readonly ShownFloating[];
  readonly fault?: { readonly code?: number; readonly message: string; readonly createdAt: number };
  readonly actions: readonly ServerAction[];
  /** Whether it counts as used: not before the scheduler has taken it up. */
  readonly isScheduled: boolean;
  /** True: gone for everybody but `changes-since`. */
  readonly isGone: boolean;
};

export type RequestedNetwork = { readonly networkId: string } | { readonly portId: string };

export type ShownFloating = { readonly address: string; readonly portId: string };

export type ImageStatus = 'queued' | 'saving' | 'active' | 'killed';

export type ImageRecord = {
  readonly id: string;
  readonly name: string | null;
  readonly owner: string;
  readonly status: ImageStatus;
  readonly visibility: string;
  readonly diskFormat: string | null;
  readonly containerFormat: string | null;
  readonly sizeBytes: number | null;
  readonly checksum: string | null;
  readonly hashValue: string | null;
  readonly isProtected: boolean;
  readonly minRam: number;
  readonly minDisk: number;
  readonly tags: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly properties: Readonly<Record<string, string>>;
  /** What the machine backend boots for it, if not its id. */
  readonly machineRef?: string;
  /** File with the uploaded data. */
  readonly file?: string;
};

/** A container of the object store. */
export type ContainerRecord = {
  /** Project and name. */
  readonly id: string;
};

export type ObjectRecord = {
  /** Its container's id and its name. */
  readonly id: string;
  readonly containerId: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly checksum: string;
  readonly hashValue: string;
  readonly file?: string;
  /** From then on it is gone. */
  readonly deleteAt: number;
};

export type ImportTaskRecord = {
  readonly id: string;
  readonly owner: string;
  readonly status: 'pending' | 'processing' | 'success' | 'failure';
  /** Container and name. */
  readonly importFrom: string;
  readonly imageName: string | null;
  readonly imageId?: string;
  readonly message: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type KeyPairRecord = {
  /** User id and name: names are a user's own. */
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly userId: string;
  readonly publicKey: string;
  readonly fingerprint: string;
  readonly createdAt: number;
};

export type PortRecord = {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly networkId: string;
  readonly mac: string;
  readonly address: string;
  /** Of a port that a user made: its address while it belongs to nothing. */
  readonly ownAddress?: string;
  /** Empty for a port that belongs to nothing. */
  readonly deviceId: string;
  readonly deviceOwner: string;
  readonly securityGroupIds: readonly string[];
  /** True: made by Nova, goes with its server. */
  readonly isNovas: boolean;
  /** True: its server is gone, and it stayed. */
  readonly isLeft?: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revision: number;
};

export type FloatingIpRecord = {
  readonly id: string;
  readonly projectId: string;
  readonly networkId: string;
  readonly address: string;
  readonly description: string;
  /** Null while it is bound to nothing. */
  readonly portId: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revision: number;
};

export type SecurityGroupRecord = {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly description: string;
  readonly createdAt: number;
};

export type NetworkRecord = {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly isExternal: boolean;
  readonly isShared: boolean;
  readonly cidr: string;
  readonly subnetId: string;
  readonly createdAt: number;
};

/** Changes of settings made while running. */
export type SettingsRecord = {
  readonly id: 'settings';
  readonly timings: Readonly<Record<string, number | undefined>>;
  readonly quotas: Readonly<Record<string, Readonly<Record<string, number | undefined>>>>;
};
