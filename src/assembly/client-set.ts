import { sameSection } from '../config/same-section.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';

type Closable = { close(): Promise<void> };

/** A client and the section of the configuration that it was opened from. */
export type Open<Section, Client> = { readonly section: Section; readonly client: Client };

/** A client that was replaced stays open so long, for the work that still uses it. */
const CLOSE_AFTER_MS = 60_000;

/** The clients of one kind of section, by the section's name. */
export class ClientSet<Section extends { readonly name: string }, Client extends Closable> implements AsyncDisposable {
  readonly #kind: string;
  readonly #openClient: (section: Section) => Client;
  readonly #whatCounts: (section: Section) => unknown;
  readonly #deps: { readonly clock: Clock; readonly log: Logger };
  readonly #ending = new AbortController();
  readonly #closing = new Set<Promise<void>>();
  #configured = new Map<string, Open<Section, Client>>();
  /** Not configured any more, and kept until `releaseUnused`. */
  readonly #retired = new Map<string, Open<Section, Client>>();

  /**
   * @param kind names the section in log lines: `provider`, `target`
   * @param deps `whatCounts`: the part of a section on whose change its client is opened anew; all of it, unless told
   */
  constructor(
    kind: string,
    openClient: (section: Section) => Client,
    deps: { readonly clock: Clock; readonly log: Logger; readonly whatCounts?: (section: Section) => unknown },
  ) {
    this.#kind = kind;
    this.#openClient = openClient;
    this.#whatCounts = deps.whatCounts ?? ((section) => section);
    this.#deps = deps;
  }

  find(name: string): Open<Section, Client> | undefined {
    return this.#configured.get(name) ?? this.#retired.get(name);
  }

  configured(): readonly Client[] {
    return [...this.#configured.values()].map(({ client }) => client);
  }

  get keepsRetired(): boolean {
    return this.#retired.size > 0;
  }

  /** Opens what is new or changed, closes a while later what it replaces, and keeps what left the configuration. */
  use(sections: readonly Section[]): void {
    const before = new Map([...this.#retired, ...this.#configured]);
    const after = new Map<string, Open<Section, Client>>();
    for (const section of sections) {
      const entry = this.#keepOrOpen(section, before.get(section.name));
      if (entry !== undefined) after.set(section.name, entry);
    }
    this.#configured = after;
    this.#retired.clear();
    for (const [name, entry] of before) {
      const now = after.get(name);
      if (now === undefined) this.#retired.set(name, entry);
      else if (now.client !== entry.client) this.#closeLater(entry.client);
    }
  }

  /** Lets go of the clients that are not configured and whose names are not among `inUse`. */
  releaseUnused(inUse: ReadonlySet<string>): void {
    for (const [name, { client }] of [...this.#retired].filter(([each]) => !inUse.has(each))) {
      this.#retired.delete(name);
      this.#closeLater(client);
      this.#deps.log.info(`Nothing is left of ${this.#kind} ${name}, which is no longer configured`);
    }
  }

  /** Closes all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    const open = [...this.#configured.values(), ...this.#retired.values()];
    await Promise.all([...this.#closing, ...open.map(({ client }) => this.#close(client))]);
  }

  /** One section that cannot be used must not take the others with it. */
  #keepOrOpen(section: Section, known: Open<Section, Client> | undefined): Open<Section, Client> | undefined {
    if (known !== undefined && sameSection(this.#whatCounts(known.section), this.#whatCounts(section))) {
      return { section, client: known.client };
    }
    try {
      return { section, client: this.#openClient(section) };
    } catch (error) {
      this.#deps.log.error(`Cannot use ${this.#kind} ${section.name}: ${describeError(error)}`);
      return known;
    }
  }

  #closeLater(client: Client): void {
    const closed = this.#deps.clock
      .sleep(CLOSE_AFTER_MS, this.#ending.signal)
      .catch(() => undefined) // the program ends: close at once
      .then(() => this.#close(client))
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  async #close(client: Client): Promise<void> {
    await client.close().catch((error: unknown) => {
      this.#deps.log.warn(`Cannot close the client of a ${this.#kind}`, { error });
    });
  }
}
