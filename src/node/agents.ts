/** A Jenkins computer as far as we look at it (contract: Jenkins, section 4). */
export type Agent = {
  readonly nodename: string;
  /** Not usable: connecting, failed, or switched off. */
  readonly offline: boolean;
  /** Switched off by a person, by us or by the gearman plugin. */
  readonly temporarilyOffline: boolean;
  readonly offlineReason: string;
  /** A build runs on one of its executors. */
  readonly busy: boolean;
  readonly labels: readonly string[];
};

/** What the gearman plugin writes when a job asked to take its node offline. */
export const OFFLINE_BY_GEARMAN = 'Offline due to Gearman request';

/** What we write when a job that does not ask for it has its node taken offline while it runs. */
export const ONE_JOB_ONLY = 'Nodepool keeps this node to one job';

export type NewAgent = {
  readonly nodename: string;
  readonly description: string;
  /** Undefined while a test job is pending. */
  readonly label?: string;
  readonly remoteFolder: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** Path of the key on the manager; only for Jenkins of old without credentials id. */
  readonly privateKeyPath: string;
};

/**
 * The agents of one target's Jenkins (adapter: src/jenkins). Each call has a deadline and keeps the target's pace; each
 * may throw TransientProviderError, CredentialsRefusedError, RequestRefusedError.
 */
export interface Agents {
  readonly target: string;
  /** False while Jenkins is quieting down, refuses us or does not answer. Never throws for a failing Jenkins. */
  isOnline(signal: AbortSignal): Promise<boolean>;
  list(signal: AbortSignal): Promise<readonly Agent[]>;
  /** Undefined: Jenkins answered 404. Any other failure throws: it is neither presence nor absence. */
  find(nodename: string, signal: AbortSignal): Promise<Agent | undefined>;
  /** Makes the agent or finds it made with the same host; one with another host is replaced. */
  ensure(agent: NewAgent, signal: AbortSignal): Promise<void>;
  /** Idempotent: the agent takes no further builds. False: there is no such agent. */
  setOffline(nodename: string, reason: string, signal: AbortSignal): Promise<boolean>;
  /** Asks Jenkins to delete the agent; true once it is seen to be gone. Idempotent. */
  remove(nodename: string, signal: AbortSignal): Promise<boolean>;
  /** Replaces the agent's label (after its test job passed). */
  relabel(nodename: string, label: string, signal: AbortSignal): Promise<void>;
  /** Starts `job` with parameter NODE. */
  startTestJob(job: string, nodename: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
