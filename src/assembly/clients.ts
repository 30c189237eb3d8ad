/** Assembly: builds real clients from the configuration and joins the rooms into programs. Above all other rooms. */
import type { Config, ProviderConfig, TargetConfig } from '../config/config.ts';
import { sameSection } from '../config/same-section.ts';
import { openAgents } from '../jenkins/open-agents.ts';
import type { Agents } from '../node/agents.ts';
import { openProvider } from '../openstack/open-provider.ts';
import type { Farm } from '../pool/farm.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { TaskBoard } from '../runtime/task-board.ts';

export type ClientsDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly onCloudCall: (provider: string, name: string, ms: number) => void;
  readonly onJenkinsCall: (target: string, name: string, ms: number) => void;
};

type Open<Section, Client> = { readonly section: Section; readonly client: Client };

/** A client that is no longer configured stays open so long, for the work that still uses it. */
const CLOSE_AFTER_MS = 60_000;

/**
 * The clients of all configured clouds and Jenkins masters. A client lives as long as its section stays the same; one
 * that is replaced is closed a while later.
 */
export class Clients implements Farm, AsyncDisposable {
  readonly #deps: ClientsDeps;
  readonly #closing = new AbortController();
  readonly #retired = new Set<Promise<void>>();
  #config: Config;
  #clouds = new Map<string, Open<ProviderConfig, CloudProvider>>();
  #agents = new Map<string, Open<TargetConfig, Agents>>();

  constructor(config: Config, deps: ClientsDeps) {
    this.#deps = deps;
    this.#config = config;
    this.use(config);
  }

  get config(): Config {
    return this.#config;
  }

  cloudOf(provider: string): CloudProvider | undefined {
    return this.#clouds.get(provider)?.client;
  }

  agentsOf(target: string): Agents | undefined {
    return this.#agents.get(target)?.client;
  }

  /** The clients of all targets with a Jenkins. */
  allAgents(): readonly Agents[] {
    return [...this.#agents.values()].map(({ client }) => client);
  }

  /** Goes over to another configuration: opens what is new or changed and retires what it replaces. */
  use(config: Config): void {
    this.#config = config;
    const withJenkins = config.targets.filter(({ jenkins }) => jenkins !== undefined);
    this.#clouds = this.#replace(this.#clouds, config.providers, (section) => this.#openCloud(section));
    this.#agents = this.#replace(this.#agents, withJenkins, (section) => this.#openAgents(section));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#retired);
    const clients = [...this.#clouds.values(), ...this.#agents.values()];
    await Promise.all(clients.map(({ client }) => client.close()));
  }

  #replace<Section extends { readonly name: string }, Client extends { close(): Promise<void> }>(
    before: ReadonlyMap<string, Open<Section, Client>>,
    sections: readonly Section[],
    open: (section: Section) => Client,
  ): Map<string, Open<Section, Client>> {
    const after = new Map<string, Open<Section, Client>>();
    for (const section of sections) {
      const known = before.get(section.name);
      const keep = known !== undefined && sameSection(known.section, section);
      after.set(section.name, keep ? known : { section, client: open(section) });
    }
    for (const [name, { client }] of before) if (after.get(name)?.client !== client) this.#retire(client);
    return after;
  }

  #retire(client: { close(): Promise<void> }): void {
    const closed = this.#deps.clock
      .sleep(CLOSE_AFTER_MS, this.#closing.signal)
      .catch(() => undefined) // the program ends: close at once
      .then(() => client.close())
      .catch((error: unknown) => {
        this.#deps.log.warn('Cannot close a client that is no longer configured', { error });
      })
      .finally(() => this.#retired.delete(closed));
    this.#retired.add(closed);
  }

  #openCloud(section: ProviderConfig): CloudProvider {
    const { onCloudCall, log } = this.#deps;
    return openProvider(section, {
      ...this.#deps,
      log: log.child('ProviderManager'),
      onCall: ({ name, ms }) => {
        onCloudCall(section.name, name, ms);
      },
    });
  }

  #openAgents(section: TargetConfig): Agents {
    const { onJenkinsCall } = this.#deps;
    return openAgents(section, {
      ...this.#deps,
      onCall: (name, ms) => {
        onJenkinsCall(section.name, name, ms);
      },
    });
  }
}
