import { z } from 'zod';
import { Secret } from '../../src/runtime/secret.ts';

/** Limits of a project; -1 means none. */
const QuotaFields = z.object({
  instances: z.int(),
  cores: z.int(),
  ramMib: z.int(),
  keyPairs: z.int(),
  metadataItems: z.int(),
  floatingIps: z.int(),
  ports: z.int(),
  securityGroups: z.int(),
  /** Of all data of its images (Glance: user_storage_quota). */
  imageBytes: z.int(),
});

const DEFAULT_QUOTA: z.output<typeof QuotaFields> = {
  instances: 20,
  cores: 80,
  ramMib: 163_840,
  keyPairs: 100,
  metadataItems: 128,
  floatingIps: 20,
  ports: 200,
  securityGroups: 20,
  imageBytes: -1,
};

const Quota = QuotaFields.partial()
  .prefault({})
  .transform((given) => QuotaFields.parse({ ...DEFAULT_QUOTA, ...given }));

const Project = z.object({ name: z.string(), quota: Quota });

const User = z.object({
  name: z.string(),
  password: z.string().transform((value) => new Secret(value)),
  projects: z.array(z.string()),
});

const ApplicationCredential = z.object({
  id: z.string(),
  name: z.string(),
  secret: z.string().transform((value) => new Secret(value)),
  user: z.string(),
  project: z.string(),
});

const Flavor = z.object({
  id: z.string(),
  name: z.string(),
  ramMib: z.int(),
  diskGib: z.int(),
  vcpus: z.int(),
});

const Zone = z.object({ name: z.string(), hosts: z.array(z.string()).min(1) });

const Network = z.object({
  name: z.string(),
  external: z.boolean().default(false),
  /** Owner; default: the first project, and for an external network the administrator. */
  project: z.string().optional(),
  shared: z.boolean().default(false),
  /** Where floating addresses come from, if external; else only shown: machines get their address from the backend. */
  cidr: z.string(),
});

const SeedImage = z.object({
  name: z.string(),
  /** Default: made from the name, so that it stays the same. */
  id: z.uuid().optional(),
  /** What the machine backend boots for it. Default: the image's id. */
  machineRef: z.string().optional(),
  diskFormat: z.string().default('qcow2'),
  sizeBytes: z.int().default(1_048_576),
  properties: z.record(z.string(), z.string()).default({}),
});

/** How long things take, in milliseconds. */
const TimingFields = z.object({
  /** Accepted → ACTIVE, at least: a real machine may take longer. */
  buildMs: z.number().nonnegative(),
  /** DELETE → gone, at least. */
  deleteMs: z.number().nonnegative(),
  /** How long a deleted server may still be seen as DELETED. */
  deletedVisibleMs: z.number().nonnegative(),
  /** createImage → image active, at least. */
  snapshotMs: z.number().nonnegative(),
  /** Image active → the server's task_state is clear. */
  snapshotTailMs: z.number().nonnegative(),
  rebootMs: z.number().nonnegative(),
  /** os-stop and os-start. */
  powerMs: z.number().nonnegative(),
  /** A floating address is bound or freed → the server's addresses show it. */
  floatingMs: z.number().nonnegative(),
});

const DEFAULT_TIMINGS: z.output<typeof TimingFields> = {
  buildMs: 1000,
  deleteMs: 500,
  deletedVisibleMs: 50,
  snapshotMs: 1000,
  snapshotTailMs: 60,
  rebootMs: 300,
  powerMs: 150,
  floatingMs: 800,
};

const Timings = TimingFields.partial()
  .prefault({})
  .transform((given) => TimingFields.parse({ ...DEFAULT_TIMINGS, ...given }));

const Ports = z.object({
  identity: z.int().default(0),
  compute: z.int().default(0),
  image: z.int().default(0),
  network: z.int().default(0),
});

const DEFAULT_FLAVORS = [
  { id: '1', name: 'm1.tiny', ramMib: 512, diskGib: 1, vcpus: 1 },
  { id: '2', name: 'm1.small', ramMib: 2048, diskGib: 20, vcpus: 1 },
  { id: '3', name: 'm1.medium', ramMib: 4096, diskGib: 40, vcpus: 2 },
  { id: '4', name: 'm1.large', ramMib: 8192, diskGib: 80, vcpus: 4 },
];
const DEFAULT_NETWORKS = [
  { name: 'public', external: true, cidr: '203.0.113.0/24' },
  { name: 'private', cidr: '10.50.0.0/16' },
];

const Options = z.object({
  /** Folder for the journal, `faults.json` and uploaded images. One emulator per folder. */
  stateDir: z.string(),
  /** Loopback only: the emulator protects nothing. */
  host: z
    .string()
    .regex(/^127\./, 'must be in 127.0.0.0/8')
    .default('127.0.0.1'),
  /** 0: any free port, and the same one again after a restart. */
  ports: Ports.prefault({}),
  region: z.string().default('RegionOne'),
  tokenLifetimeMs: z.number().positive().default(3_600_000),
  projects: z
    .array(Project)
    .min(1)
    .prefault([{ name: 'nodepool' }]),
  users: z.array(User).prefault([{ name: 'nodepool', password: 'devfarm', projects: ['nodepool'] }]),
  applicationCredentials: z.array(ApplicationCredential).default([]),
  flavors: z.array(Flavor).default(DEFAULT_FLAVORS),
  zones: z
    .array(Zone)
    .min(1)
    .default([
      { name: 'az1', hosts: ['fake-1'] },
      { name: 'az2', hosts: ['fake-2'] },
    ]),
  networks: z.array(Network).prefault(DEFAULT_NETWORKS),
  /** Public images that are there from the start, owned by the administrator. */
  images: z.array(SeedImage).prefault([{ name: 'base-test', properties: { os_distro: 'debian' } }]),
  timings: Timings,
  /** A flavor bigger than this finds "No valid host". */
  hostCapacity: z.object({ vcpus: z.int(), ramMib: z.int() }).default({ vcpus: 1000, ramMib: 800_000 }),
  /** Most items in one answer of Nova or Glance (upstream: api.max_limit, api_limit_max). */
  maxLimit: z.int().positive().default(1000),
  /** Items in a list of Glance without `limit` (upstream: limit_param_default). */
  imagePageSize: z.int().positive().default(25),
  /** True: as at Rackspace there is an object store, and Glance has tasks that import images from it. */
  imageTasks: z.boolean().default(false),
  /** False: uploaded data is measured and thrown away, for load tests. Such an image cannot be imported by a backend. */
  keepImageData: z.boolean().default(true),
});

/** What may be given, as an object or as JSON. Only `stateDir` has no default. */
export type EmulatorOptionsInput = z.input<typeof Options>;
export type EmulatorOptions = z.output<typeof Options>;
export type Flavor = z.output<typeof Flavor>;
export type Quota = z.output<typeof QuotaFields>;
export type Timings = z.output<typeof TimingFields>;
export type NetworkOption = z.output<typeof Network>;

/** What may be changed while the emulator runs; it survives a restart. */
export const LiveSettings = z.object({
  timings: TimingFields.partial().optional(),
  /** By project name. */
  quotas: z.record(z.string(), QuotaFields.partial()).optional(),
});
export type LiveSettings = z.output<typeof LiveSettings>;

/** @throws {z.ZodError} an option is wrong; the error names each */
export function parseEmulatorOptions(input: unknown): EmulatorOptions {
  return Options.parse(input);
}
