import type { Credential } from './stand-in-options.ts';

/** Where an agent's machine is and how to log in. */
export type AgentLogin = { readonly host: string; readonly port: number; readonly credential: Credential };

export type BuildCommand = {
  /** For `sh -xe`. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Made if missing; the script runs there. */
  readonly folder: string;
  readonly onOutput: (text: string) => void;
};

/** A connection to an agent's machine, as Jenkins keeps it while the agent is online. */
export interface AgentChannel {
  /**
   * Runs a build's shell step; gives its exit status.
   * @throws {Error} the connection broke, or `signal` is aborted: the step is then ended
   */
  run(command: BuildCommand, signal: AbortSignal): Promise<number>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly lost: Promise<void>;
  close(): void;
}

/** The machines behind the agents: real ones by SSH, or none in tests. */
export interface AgentMachines {
  /**
   * @throws {LoginRefusedError} the machine does not take the key: trying again at once is of no use
   * @throws {Error} it cannot be reached
   */
  connect(login: AgentLogin, signal: AbortSignal): Promise<AgentChannel>;
}

/** The machine answered and did not let us in. */
export class LoginRefusedError extends Error {
  override readonly name = 'LoginRefusedError';
}
