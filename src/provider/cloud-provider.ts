import type { Secret } from '../runtime/secret.ts';
import type { ImageUpload, UploadWatch } from './image-upload.ts';

/** One address of a server. */
export type ServerAddress = {
  /** Name of the cloud's network. */
  readonly network: string;
  readonly ip: string;
  readonly version: 4 | 6;
  readonly kind: 'fixed' | 'floating';
};

/** A server as the cloud shows it. */
export type Server = {
  readonly id: string;
  readonly name: string;
  /** Nova's: `BUILD`, `ACTIVE`, `ERROR`, `DELETED`, `SHUTOFF`, … */
  readonly status: string;
  /** Nova's OS-EXT-STS:task_state; undefined when it is null. */
  readonly taskState?: string;
  /** Why it is in ERROR. */
  readonly fault?: string;
  /** In ERROR for want of quota alone: it was accepted, and others had taken the room when it was scheduled. */
  readonly isOverQuota?: boolean;
  readonly addresses: readonly ServerAddress[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly az?: string;
  readonly keyName?: string;
  readonly createdAt: Date;
};

/** The addresses that matter, chosen by the networks' roles. */
export type ReachableAddresses = {
  /** Where to log in and what Jenkins is told. */
  readonly public?: string;
  /** The fixed address; the public IPv4 where there is none. */
  readonly private?: string;
  readonly publicIpv6?: string;
};

/** A floating address of the project. */
export type FloatingIp = {
  readonly id: string;
  readonly ip: string;
  /** What its maker wrote on it; empty where the cloud keeps no notes. */
  readonly note: string;
  /** Whether it leads to something. */
  readonly isBound: boolean;
  /** What it leads to, where the cloud says so. */
  readonly serverId?: string;
  /** Rises with each change, where the cloud counts them. */
  readonly revision?: number;
};

/** For whom a floating address is taken. */
export type FloatingClaim = {
  /** Written to it, where the cloud keeps notes: finds it again. */
  readonly note: string;
  /** Whether an address that leads nowhere and bears that note is ours and free to be used again. Absent: none is. */
  readonly mayReuse?: (note: string) => Promise<boolean>;
};

/** By what the floating address of a server is found again. */
export type FloatingTrace = {
  /** The note it was made with. */
  readonly note: string;
  /** Where the server was reached; undefined: it never was. */
  readonly ip?: string;
};

/** What to launch. Names are resolved by the adapter. */
export type ServerSpec = {
  readonly name: string;
  /** Cloud id of the image. */
  readonly imageId: string;
  readonly minRamMib: number;
  readonly flavorNameFilter?: string;
  readonly az?: string;
  /** Name of a Nova keypair. */
  readonly keyName?: string;
  readonly configDrive?: boolean;
  readonly securityGroups?: readonly string[];
  readonly userData?: string;
  readonly metadata: Readonly<Record<string, string>>;
};

export type CreatedServer = {
  readonly id: string;
  /** Nova's adminPass, where the cloud gives one. */
  readonly adminPassword?: Secret;
};

/** An image as the cloud shows it. `status`: `queued`, `saving`, `active`, `killed`, `deleted`, … */
export type CloudImage = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
};

/** A network port as the cloud shows it. We never make one: Nova does, with each server, and takes it away with that. */
export type Port = {
  readonly id: string;
  /** Nova's own have none. */
  readonly name: string;
  /** Neutron's: `ACTIVE`, `DOWN`, `BUILD`, `ERROR`. */
  readonly status: string;
  /** Id of the server, router, … that it is for; empty: nothing has it. */
  readonly deviceId: string;
  /** `compute:ZONE` for a server's; empty: nothing has it. */
  readonly deviceOwner: string;
};

/** What a server takes of the project's room, by its flavor. */
export type ServerSize = { readonly cores: number; readonly ramMib: number };

/** Room in the project; undefined where the cloud sets no limit. */
export type Limits = {
  readonly maxInstances?: number;
  readonly usedInstances: number;
  readonly maxCores?: number;
  readonly usedCores: number;
  readonly maxRamMib?: number;
  readonly usedRamMib: number;
};

/**
 * One provider of nodepool.yaml (adapter: src/openstack). All calls keep the provider's pace and have a deadline.
 * Each may throw TransientProviderError (tried again within the deadline first), CredentialsRefusedError,
 * RequestRefusedError, DeadlineExceededError.
 */
export interface CloudProvider {
  readonly name: string;
  /**
   * @throws {QuotaExceededError} no room
   * @throws {UnknownOutcomeError} the answer is lost: look for the metadata before trying again
   */
  createServer(spec: ServerSpec, signal: AbortSignal): Promise<CreatedServer>;
  /** The single server; undefined: the cloud answered 404. */
  findServer(id: string, signal: AbortSignal): Promise<Server | undefined>;
  /** All servers of the project, from a list whose request began after this call. */
  listServers(signal: AbortSignal): Promise<readonly Server[]>;
  /**
   * The next shared list: all callers that wait for something share one paged request per poll; polls come faster while
   * something changes. The list's request began after this call.
   */
  nextServerList(signal: AbortSignal): Promise<readonly Server[]>;
  /** Idempotent; 404 is success. Returns when the cloud accepted it, not when the server is gone. */
  deleteServer(id: string, signal: AbortSignal): Promise<void>;
  addressesOf(server: Server): ReachableAddresses;
  /**
   * Where an ACTIVE server is reached; a floating address is taken for it where it needs one. Safe to repeat with the same
   * note, by which such an address is found again.
   * @throws {QuotaExceededError} no address is left
   */
  makeReachable(server: Server, claim: FloatingClaim, signal: AbortSignal): Promise<ReachableAddresses>;
  /** Gives back what `makeReachable` took for a server. Idempotent. */
  releaseFloatingIps(trace: FloatingTrace, signal: AbortSignal): Promise<void>;
  /** All of the project, others' among them; none where the cloud has none. */
  listFloatingIps(signal: AbortSignal): Promise<readonly FloatingIp[]>;
  /** Idempotent; 404 is success. `changed`: it is there still, for somebody did something with it since it was listed. */
  deleteFloatingIp(floating: Pick<FloatingIp, 'id' | 'revision'>, signal: AbortSignal): Promise<'gone' | 'changed'>;
  /** The last `lines` of the console, where the cloud gives it. */
  readConsole(id: string, lines: number, signal: AbortSignal): Promise<string>;

  createKeypair(name: string, publicKey: string, signal: AbortSignal): Promise<void>;
  /** Idempotent; 404 is success. */
  deleteKeypair(name: string, signal: AbortSignal): Promise<void>;
  listKeypairs(signal: AbortSignal): Promise<readonly string[]>;

  /** By id where `nameOrId` looks like a UUID, else the newest active image of that name. */
  findImage(nameOrId: string, signal: AbortSignal): Promise<CloudImage | undefined>;
  listImages(signal: AbortSignal): Promise<readonly CloudImage[]>;
  /** Starts a snapshot of the server and gives the image's id (Nova: createImage). */
  createSnapshot(
    serverId: string,
    name: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * Makes an image of a file and gives it when it is active and the cloud has every byte of it. When this fails nothing is
   * left, or an error or a warning says so; after a crash of ours the image is found by its properties. Never tried again
   * here. Takes 6 hours at most; ends sooner where the cloud takes no byte for 60 s.
   * @throws {ImageFileError} the file is missing, empty or changed meanwhile
   * @throws {QuotaExceededError} no room for so much data
   * @throws {UnknownOutcomeError} it failed, and its image may be left: look for the properties before trying again
   */
  uploadImage(upload: ImageUpload, watch: UploadWatch, signal: AbortSignal): Promise<CloudImage>;
  /** Idempotent; 404 is success. */
  deleteImage(id: string, signal: AbortSignal): Promise<void>;

  /** The project's ports; none where the cloud has no Neutron. */
  listPorts(signal: AbortSignal): Promise<readonly Port[]>;
  /** Idempotent; 404 is success. */
  deletePort(id: string, signal: AbortSignal): Promise<void>;

  readLimits(signal: AbortSignal): Promise<Limits>;
  /**
   * What a server of that spec would take. Remembered for some minutes.
   * @throws {RequestRefusedError} no flavor is so
   */
  sizeOf(spec: Pick<ServerSpec, 'minRamMib' | 'flavorNameFilter'>, signal: AbortSignal): Promise<ServerSize>;
  /** Ends the provider's polls and connections. */
  close(): Promise<void>;
}
