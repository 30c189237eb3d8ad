/** What survives a restart of Jenkins. */
import type { Identified } from '../openstack/journal.ts';

/** Why an agent was switched off: by a user's call, or because a job asked the gearman plugin to. */
export type OfflineFlag = {
  readonly by: 'UserCause' | 'ByCLI';
  readonly message: string;
  readonly atMs: number;
};

/** An agent as configured; `id` is its name. */
export type AgentRecord = Identified & {
  readonly description: string;
  readonly remoteFolder: string;
  readonly executors: number;
  readonly mode: string;
  /** Joined by blanks. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly credentialsId?: string;
  /** Class of the host key strategy, if one was sent. */
  readonly hostKeyStrategy?: string;
  readonly offline?: OfflineFlag;
};

export type BuildResult = 'SUCCESS' | 'FAILURE' | 'ABORTED';

/** A job; `id` is its name. */
export type JobRecord = Identified & {
  readonly label?: string;
  readonly command: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly nodeParameter?: string;
  readonly disabled: boolean;
  readonly concurrent: boolean;
  /** Made through the API: kept though no configuration names it. */
  readonly made: boolean;
  readonly nextNumber: number;
};

/** A build; `id` is `JOB/NUMBER`. */
export type BuildRecord = Identified & {
  readonly job: string;
  readonly number: number;
  /** Those that Jenkins shows. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Name of the agent; empty: the built-in node. */
  readonly builtOn: string;
  readonly startedAtMs: number;
  readonly by: 'gearman' | 'user';
  readonly queueId: number;
  readonly durationMs?: number;
  /** Absent while it runs. */
  readonly result?: BuildResult;
  readonly description?: string;
};
