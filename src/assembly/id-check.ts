import type { Config } from '../config/config.ts';
import { type DoubledDeps, endDoubledLaunches } from '../pool/leaks/end-doubled-launches.ts';
import { greatestIds, raiseIds, type RaiseDeps } from '../pool/leaks/raise-ids.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';

/** A cloud that does not answer must not keep the others from getting nodes: the leak pass looks there later. */
const PATIENCE_MS = 8_000;

export type IdCheckDeps = RaiseDeps &
  DoubledDeps & {
    readonly clock: Clock;
    readonly clients: { readonly config: Config; cloudOf(provider: string): CloudProvider | undefined };
  };

/**
 * Looks once in all clouds for the ids that living things bear, before any row gets an id and any launch begins: the database
 * may be a backup, and older than they are.
 */
export class IdCheck {
  readonly #deps: IdCheckDeps;
  #done: Promise<unknown> | undefined;

  constructor(deps: IdCheckDeps) {
    this.#deps = deps;
  }

  /** Resolves when rows may get ids, and launches may begin. Never rejects for a cloud that fails. */
  async done(signal: AbortSignal): Promise<void> {
    const { config } = this.#deps.clients;
    this.#done ??= Promise.all(config.providers.map(({ name }) => this.#look(name, signal)));
    await this.#done.catch((error: unknown) => {
      this.#done = undefined; // aborted, or the database is away: the next pass tries again
      throw error;
    });
  }

  async #look(provider: string, signal: AbortSignal): Promise<void> {
    const { clients, clock, installationId, log } = this.#deps;
    const cloud = clients.cloudOf(provider);
    if (cloud === undefined) return;
    const deadline = { what: `the servers of ${provider}`, ms: PATIENCE_MS };
    const seen = await withDeadline(deadline, { clock, signal }, (inner) =>
      Promise.all([cloud.listServers(inner), cloud.listImages(inner)]),
    ).catch((error: unknown) => {
      signal.throwIfAborted();
      log.warn(`Cannot look for ids in use in ${provider}: ${describeError(error)}`);
      return undefined;
    });
    if (seen === undefined) return;
    const [servers, images] = seen;
    await raiseIds(greatestIds(servers, images, installationId), this.#deps);
    await endDoubledLaunches(provider, servers, this.#deps);
  }
}
