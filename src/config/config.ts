/** Config: nodepool.yaml, secure.conf and clouds.yaml as one frozen, typed value. Upstream's keys outside, ours inside. */
import type { Secret } from '../runtime/secret.ts';
import type { Position } from './config-fault.ts';
import type { CronSchedule } from './cron-schedule.ts';

/** The whole configuration. Deeply frozen: passed down per pass, never changed. */
export type Config = {
  readonly scriptDir?: string;
  readonly elementsDir?: string;
  readonly imagesDir?: string;
  /** Database URL of secure.conf, else of nodepool.yaml; absent: the managed local cluster. */
  readonly databaseUrl?: Secret;
  readonly zmqPublishers: readonly string[];
  readonly gearmanServers: readonly GearmanServerConfig[];
  readonly cron: CronConfig;
  /** Least wait between a finished job and the deletion (`nodepoold.delete-delay`). */
  readonly deleteDelayMs: number;
  readonly webapp: { readonly port: number; readonly listenAddress: string };
  readonly maxHoldAgeMs: number;
  readonly buildLogDir?: string;
  readonly buildLogRetention: number;
  /** Absolute path of a program. */
  readonly imageFailureHook?: string;
  /** All in the file's order, which is the allocator's order. */
  readonly labels: readonly LabelConfig[];
  readonly providers: readonly ProviderConfig[];
  readonly targets: readonly TargetConfig[];
  readonly diskimages: readonly DiskImageConfig[];
  readonly places?: ConfigPlaces;
};

/** Where in the files stands what the host alone can judge, for complaints about it. */
export type ConfigPlaces = { readonly databaseUrl?: Position; readonly scriptDir?: Position };

export type GearmanServerConfig = { readonly host: string; readonly port: number };

export type CronConfig = {
  readonly imageUpdate: CronSchedule;
  readonly cleanup: CronSchedule;
  readonly check: CronSchedule;
};

export type LabelConfig = {
  readonly name: string;
  readonly image: string;
  /** Negative: the label is off. */
  readonly minReady: number;
  readonly subnodes: number;
  readonly readyScript?: string;
  /** Whether a failed launch shows the end of its server's console. */
  readonly consoleLog: boolean;
  readonly providers: readonly string[];
  readonly maxReadyAgeMs: number;
  /** Most ready nodes of older images that are replaced at once; 0: none. */
  readonly recycleSuperseded: number;
};

export type ProviderConfig = {
  readonly name: string;
  /** Where and how to log in: clouds.yaml, environment and the provider's own keys merged. */
  readonly cloud: CloudConfig;
  /** Zero or less: drain, launch nothing. */
  readonly maxServers: number;
  /** Most cores of our nodes together; zero or less: launch nothing. Absent: no limit. */
  readonly maxCores?: number;
  /** The same of their memory. */
  readonly maxRamMib?: number;
  /** Upstream `rate`: least time between the starts of two API calls. */
  readonly minRequestGapMs: number;
  /** Longest time for one API call. */
  readonly apiTimeoutMs: number;
  /** ACTIVE → SSH answers. */
  readonly bootTimeoutMs: number;
  /** Create call → ACTIVE. */
  readonly launchTimeoutMs: number;
  readonly keypair?: string;
  readonly networks: readonly NetworkConfig[];
  readonly pool?: string;
  readonly ipv6Preferred: boolean;
  readonly cleanFloatingIps: boolean;
  readonly availabilityZones: readonly string[];
  readonly templateHostname: string;
  readonly imageType?: string;
  readonly nodepoolId?: string;
  readonly securityGroups: readonly string[];
  readonly launchRetries: number;
  /** Most launches at once in each daemon; 0: no limit. */
  readonly maxConcurrency: number;
  /** Port of the nodes' SSH servers (`ssh-port`, ours). */
  readonly sshPort: number;
  readonly images: readonly ProviderImageConfig[];
};

export type NetworkConfig = { readonly id?: string; readonly name?: string; readonly public?: boolean };

export type ProviderImageConfig = {
  readonly name: string;
  readonly minRamMib: number;
  readonly nameFilter?: string;
  readonly baseImage?: string;
  readonly setup?: string;
  /** Whether a snapshot is built anew when the cloud has another image as `baseImage`. */
  readonly rebuildOnBaseChange: boolean;
  /** Set where the image is built by diskimage-builder. */
  readonly diskimage?: string;
  readonly username: string;
  readonly userHome: string;
  readonly privateKey: string;
  readonly configDrive?: boolean;
  readonly meta: Readonly<Record<string, string>>;
  readonly keyName?: string;
  /** As of a label, for all that use the image. */
  readonly consoleLog: boolean;
  readonly pause: boolean;
  /** Whether a node is launched from a new image before it is ready. */
  readonly smokeTest: boolean;
  /** Launches in a row that fail before one works, after which a new image is given up; 0: never. */
  readonly rollbackAfter: number;
};

export type DiskImageConfig = {
  readonly name: string;
  readonly elements: readonly string[];
  readonly release: string;
  readonly qemuImgOptions?: string;
  readonly envVars: Readonly<Record<string, string>>;
  /** Further variables, of secure.conf. */
  readonly secretEnv?: Readonly<Record<string, Secret>>;
  readonly rebuildAgeMs?: number;
  readonly formats: readonly string[];
  readonly pause: boolean;
  readonly buildTimeoutMs: number;
};

export type TargetConfig = {
  readonly name: string;
  /** Upstream `rate`: least time between the starts of two Jenkins calls. */
  readonly minRequestGapMs: number;
  /** Template of a node's server name. */
  readonly hostname: string;
  readonly subnodeHostname: string;
  readonly assignViaGearman: boolean;
  /** Absent: no Jenkins; nodes are ready and nothing more. */
  readonly jenkins?: JenkinsConfig;
};

export type JenkinsConfig = {
  /** Without a trailing slash; may hold a path prefix. */
  readonly url: string;
  readonly user?: string;
  /** API token or password. */
  readonly apiKey?: Secret;
  readonly credentialsId?: string;
  readonly testJob?: string;
};

/** A cloud as os-client-config resolves it: one region. */
export type CloudConfig = {
  /** Name of the entry in clouds.yaml (`envvars`, `defaults`; empty: none): NODEPOOL_CLOUD on the node. */
  readonly name: string;
  readonly authUrl?: string;
  readonly auth: CloudAuth;
  readonly regionName?: string;
  readonly interface: 'public' | 'internal' | 'admin';
  readonly verify: boolean;
  readonly cacert?: string;
  /** Client certificate and its key: files. */
  readonly cert?: string;
  readonly key?: string;
  /** Version of Keystone that the cloud asks for; absent: discovered. */
  readonly identityApiVersion?: '2' | '3';
  readonly imageFormat?: string;
  readonly imageApiUseTasks: boolean;
  /** By service: `compute`, `image`, `network`, `identity`. */
  readonly endpointOverrides: Readonly<Record<string, string>>;
  readonly serviceTypes: Readonly<Record<string, string>>;
  readonly serviceNames: Readonly<Record<string, string>>;
  readonly floatingIpSource?: 'neutron' | 'nova' | 'none';
  /** False: the catalogue need not be searched for a network service (Rackspace). */
  readonly hasNetworkService?: boolean;
  /** True: IPv6 addresses are left alone. */
  readonly forceIpv4?: boolean;
  readonly networks: readonly CloudNetworkConfig[];
  /** True: the private address is the node's address. */
  readonly private: boolean;
  /** How old a shared server list may be. */
  readonly serverListAgeMs?: number;
};

export type CloudNetworkConfig = {
  readonly name: string;
  readonly routesExternally: boolean;
  readonly natDestination: boolean;
  readonly natSource?: boolean;
  readonly defaultInterface: boolean;
};

export type CloudAuth =
  | {
      readonly kind: 'password';
      readonly username?: string;
      readonly userId?: string;
      readonly password?: Secret;
      readonly projectId?: string;
      readonly projectName?: string;
      readonly userDomainId?: string;
      readonly userDomainName?: string;
      readonly projectDomainId?: string;
      readonly projectDomainName?: string;
    }
  | {
      readonly kind: 'application-credential';
      readonly id?: string;
      readonly name?: string;
      readonly secret: Secret;
      readonly username?: string;
      readonly userDomainName?: string;
    }
  | { readonly kind: 'token'; readonly token: Secret; readonly projectId?: string; readonly projectName?: string };
