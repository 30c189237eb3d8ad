import { z } from 'zod';
import { Secret } from '../../src/runtime/secret.ts';

const secret = z.string().transform((value) => new Secret(value));

/** A login that agents are reached by, as in Jenkins' credentials store. */
const CredentialSection = z.object({ id: z.string(), username: z.string(), privateKeyPath: z.string() });

const JobSection = z.object({
  name: z.string(),
  /** Where it runs; absent: on the built-in node only, for Nodepool's agents are exclusive. */
  label: z.string().optional(),
  /** The shell step: parameters are its environment, status 0 is SUCCESS. */
  command: z.string(),
  /** Name → default value. */
  parameters: z.record(z.string(), z.string()).default({}),
  /** The parameter that names the node or label to run on, as the NodeLabel plugin's; e.g. `NODE` for a test job. */
  nodeParameter: z.string().optional(),
  disabled: z.boolean().default(false),
  /** May several builds run at once? */
  concurrent: z.boolean().default(true),
});

/** How long things take, in milliseconds. */
const TimingFields = z.object({
  /** 503 "Starting Jenkins" from listening on. */
  bootMs: z.number().default(0),
  /** A create on its way; what comes within it may get 302 for the same name. */
  createMs: z.number().default(20),
  /** A deleted agent with a build stays listed for so long. */
  removalMs: z.number().default(4_000),
  /** The four endings of a build (two events, the packet, the flag) come within this, in any order. */
  endingJitterMs: z.number().default(25),
  /** Before a failed connection to an agent is tried again (`retryWaitTime`, `maxNumRetries` of the SSH launcher). */
  retryWaitMs: z.number().default(15_000),
  /** After all tries failed or the connection broke, until Jenkins launches the agent anew. */
  relaunchMs: z.number().default(60_000),
  /** Quiet period of a build asked for by HTTP. */
  quietPeriodMs: z.number().default(0),
});

export const StandInOptionsSchema = z.object({
  /** Nodes, jobs and builds survive a restart there. */
  stateDir: z.string(),
  host: z.string().default('127.0.0.1'),
  /** 0: any. */
  port: z.int().default(0),
  /** Path before all paths, e.g. `/ci`. */
  prefix: z.string().default(''),
  /** Of the ZeroMQ publisher; 0: any. */
  zmqPort: z.int().default(0),
  /** As the plugin does: bind the publisher at the first build event only, which nobody hears. */
  bindZmqLate: z.boolean().default(true),
  /** Absent: no gearman plugin. */
  gearman: z.object({ host: z.string(), port: z.int() }).optional(),
  /** The manager's name in functions, worker names and events. */
  managerName: z.string().default('127.0.0.1'),
  user: z.string().default('jenkins'),
  apiToken: secret.optional(),
  password: secret.optional(),
  crumbIssuer: z.boolean().default(true),
  credentials: z.array(CredentialSection).default([]),
  jobs: z.array(JobSection).default([]),
  /** Take only OFFLINE_NODE_WHEN_COMPLETE, as the real plugin, not NODE_OFFLINE_WHEN_COMPLETE too. */
  strictOfflineParameter: z.boolean().default(false),
  /** Keep parameters that the job does not define. */
  keepUndefinedParameters: z.boolean().default(false),
  timing: TimingFields.partial()
    .prefault({})
    .transform((given) => TimingFields.parse(given)),
});

export type StandInOptions = z.output<typeof StandInOptionsSchema>;
export type StandInOptionsInput = z.input<typeof StandInOptionsSchema>;
export type JobOptions = z.output<typeof JobSection>;
export type Credential = z.output<typeof CredentialSection>;
