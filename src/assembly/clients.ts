/** Assembly: builds real clients from the configuration and joins the rooms into programs. Above all other rooms. */
import type { Config, ProviderConfig, TargetConfig } from '../config/config.ts';
import { openAgents } from '../jenkins/open-agents.ts';
import type { Agents } from '../node/agents.ts';
import { openProvider } from '../openstack/open-provider.ts';
import type { Farm } from '../pool/farm.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { ClientSet } from './client-set.ts';

export type ClientsDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly onCloudCall: (provider: string, name: string, ms: number) => void;
  readonly onJenkinsCall: (target: string, name: string, ms: number) => void;
};

/** The providers and targets that rows still name. */
export type NamesInUse = { readonly providers: ReadonlySet<string>; readonly targets: ReadonlySet<string> };

/**
 * The clients of all clouds and Jenkins masters. A client lives as long as its section stays the same; one that is
 * replaced is closed a while later. That of a section which left the configuration is kept until no row names it: its
 * nodes and images must still be deleted.
 */
export class Clients implements Farm, AsyncDisposable {
  readonly #clouds: ClientSet<ProviderConfig, CloudProvider>;
  readonly #agents: ClientSet<TargetConfig, Agents>;
  #config: Config;

  constructor(config: Config, deps: ClientsDeps) {
    this.#config = config;
    this.#clouds = new ClientSet('provider', (section) => openCloud(section, deps), deps);
    this.#agents = new ClientSet('target', (section) => openTarget(section, deps), deps);
    this.use(config);
  }

  get config(): Config {
    return this.#config;
  }

  cloudOf(provider: string): CloudProvider | undefined {
    return this.#clouds.find(provider)?.client;
  }

  agentsOf(target: string): Agents | undefined {
    const section = this.#config.targets.find(({ name }) => name === target);
    // Kept for a target that is gone, not for one that works without Jenkins from now on.
    return section !== undefined && section.jenkins === undefined ? undefined : this.#agents.find(target)?.client;
  }

  /** The provider's section, or its last one where it left the configuration and is still needed. */
  providerSection(provider: string): ProviderConfig | undefined {
    return this.#clouds.find(provider)?.section;
  }

  /** The clients of all configured targets with a Jenkins. */
  allAgents(): readonly Agents[] {
    return this.#agents.configured();
  }

  /** Goes over to another configuration: opens what is new or changed and retires what it replaces. */
  use(config: Config): void {
    this.#config = config;
    this.#clouds.use(config.providers);
    this.#agents.use(config.targets.filter(({ jenkins }) => jenkins !== undefined));
  }

  /** Whether clients are kept for sections that left the configuration. */
  get keepsRetired(): boolean {
    return this.#clouds.keepsRetired || this.#agents.keepsRetired;
  }

  /** Lets go of what left the configuration and is not in use any more. */
  releaseUnused(inUse: NamesInUse): void {
    this.#clouds.releaseUnused(inUse.providers);
    this.#agents.releaseUnused(inUse.targets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#clouds[Symbol.asyncDispose](), this.#agents[Symbol.asyncDispose]()]);
  }
}

/** The client of a provider's cloud. Nothing is sent before it is asked for something. */
export function openCloud(section: ProviderConfig, deps: Omit<ClientsDeps, 'onJenkinsCall'>): CloudProvider {
  return openProvider(section, {
    ...deps,
    log: deps.log.child('ProviderManager'),
    onCall: ({ name, ms }) => {
      deps.onCloudCall(section.name, name, ms);
    },
  });
}

function openTarget(section: TargetConfig, deps: ClientsDeps): Agents {
  return openAgents(section, {
    ...deps,
    onCall: (name, ms) => {
      deps.onJenkinsCall(section.name, name, ms);
    },
  });
}
