import type { Config } from '../config/config.ts';
import type { Agents } from '../node/agents.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';

/** The peers of this farm as the configuration of this moment names them. */
export interface Farm {
  readonly config: Config;
  /** Undefined: no such provider is configured any more. */
  cloudOf(provider: string): CloudProvider | undefined;
  /** Undefined: the target has no Jenkins, or is not configured any more. */
  agentsOf(target: string): Agents | undefined;
}
