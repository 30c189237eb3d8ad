import type { ProviderConfig } from '../config/config.ts';
import type {
  FloatingClaim,
  FloatingIp,
  FloatingTrace,
  ReachableAddresses,
  Server,
} from '../provider/cloud-provider.ts';
import { UnknownOutcomeError } from '../provider/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { Logger } from '../runtime/logger.ts';
import { lacksOpenAddress } from './address-need.ts';
import { chooseAddresses } from './addresses.ts';
import type { ApiCaller } from './api-caller.ts';
import { type FloatingOrder, type FloatingSource, UnreachableNetworkError } from './floating-source.ts';
import { FreedAddresses } from './freed-addresses.ts';
import type { Networks } from './networks.ts';
import { NeutronFloatingIps } from './neutron-floating-ips.ts';
import { NovaFloatingIps } from './nova-floating-ips.ts';
import { Remembered } from './remembered.ts';

/** Creations whose answer is lost before the launch fails. */
const TRIES = 3;

export type FloatingIpDeps = {
  readonly api: ApiCaller;
  readonly networks: Networks;
  readonly clock: Clock;
  readonly log: Logger;
};

type ClaimedOrder = FloatingOrder & FloatingClaim;

/** The floating addresses of one provider: which servers need one, and giving and taking them. */
export class FloatingIps {
  readonly #provider: ProviderConfig;
  readonly #deps: FloatingIpDeps;
  readonly #freed: FreedAddresses;
  readonly #comparesRevisions: Remembered<boolean>;
  /** No router leads to them from our network: told once. */
  #isUnreachable = false;

  /** @param closing ends reads under way that several share */
  constructor(provider: ProviderConfig, deps: FloatingIpDeps, closing: AbortSignal) {
    this.#provider = provider;
    this.#deps = deps;
    this.#comparesRevisions = new Remembered(() => comparesRevisions(deps.api, closing), deps.clock);
    this.#freed = new FreedAddresses({
      ...deps,
      read: async () => await (await this.#source(closing)).listFreed(closing),
    });
  }

  /**
   * Where the ACTIVE server is reached, with a floating address where it can be reached in no other way and the cloud has
   * them. Safe to repeat with the same note.
   * @throws {QuotaExceededError} no address is left
   */
  async makeReachable(server: Server, claim: FloatingClaim, signal: AbortSignal): Promise<ReachableAddresses> {
    const { cloud, ipv6Preferred } = this.#provider;
    const addresses = chooseAddresses(server, { networks: cloud.networks, private: cloud.private, ipv6Preferred });
    const fixed = addresses.private;
    if (fixed === undefined || !(await this.#isNeeded(server, signal))) return addresses;
    const source = await this.#source(signal);
    const floating = await this.#bind(source, { server, fixed, ...claim }, signal);
    return floating === undefined ? addresses : definedOnly({ ...addresses, public: floating, private: fixed });
  }

  /** Deletes what `makeReachable` made for a server. Safe to repeat. */
  async release({ note, ip }: FloatingTrace, signal: AbortSignal): Promise<void> {
    if (!(await this.#mayExist(signal))) return;
    const source = await this.#source(signal);
    const made = source.keepsNotes
      ? await source.findByNote(note, signal)
      : (await source.list(signal)).filter((floating) => floating.ip === ip);
    // Whatever its revision: the address is this server's.
    for (const { id } of made) await source.remove({ id }, signal);
  }

  /** The project's, with others' among them; none where the cloud has none. */
  async list(signal: AbortSignal): Promise<readonly FloatingIp[]> {
    return (await this.#mayExist(signal)) ? await (await this.#source(signal)).list(signal) : [];
  }

  async remove(floating: Pick<FloatingIp, 'id' | 'revision'>, signal: AbortSignal): Promise<'gone' | 'changed'> {
    return await (await this.#source(signal)).remove(floating, signal);
  }

  async #bind(source: FloatingSource, order: ClaimedOrder, signal: AbortSignal): Promise<string | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#bindOnce(source, order, signal);
      } catch (error) {
        if (error instanceof UnreachableNetworkError && this.#provider.pool === undefined) {
          this.#tellUnreachable(error);
          return undefined;
        }
        const mayBeFound = error instanceof UnknownOutcomeError && source.keepsNotes;
        if (!mayBeFound || tries >= TRIES) throw error;
      }
    }
  }

  async #bindOnce(source: FloatingSource, order: ClaimedOrder, signal: AbortSignal): Promise<string> {
    for (;;) {
      const [made] = await source.findByNote(order.note, signal);
      if (made !== undefined)
        return made.serverId === order.server.id ? made.ip : await source.bind(made, order, signal);
      const freed = await this.#nextFreed(source, order, signal);
      if (freed === undefined) return await source.bindNew(order, signal);
      const ip = await source.takeFreed(freed, order, signal);
      if (ip === undefined) continue; // the next one, unless the note is found by now
      this.#deps.log.info(`Floating IP ${ip} of ${this.#provider.name} is used again, for ${order.server.name}`);
      return ip;
    }
  }

  /** Each is looked at once: whoever is not given it here leaves it to be deleted. */
  async #nextFreed(
    source: FloatingSource,
    { mayReuse }: FloatingClaim,
    signal: AbortSignal,
  ): Promise<FloatingIp | undefined> {
    if (mayReuse === undefined || !source.keepsNotes) return undefined;
    let freed = await this.#freed.next(signal);
    while (freed !== undefined && !(await mayReuse(freed.note))) freed = await this.#freed.next(signal);
    return freed;
  }

  #tellUnreachable(error: Error): void {
    if (!this.#isUnreachable) {
      const { name } = this.#provider;
      this.#deps.log.warn(`Servers of ${name} get no floating address: no router leads from their network to one`, {
        reason: error.message,
      });
    }
    this.#isUnreachable = true;
  }

  async #isNeeded(server: Server, signal: AbortSignal): Promise<boolean> {
    if (this.#isUnreachable || !(await this.#areTaken(signal))) return false;
    const external = await this.#externalNetworks(signal);
    return lacksOpenAddress(server, this.#provider, (network) => external.includes(network));
  }

  /** Whether servers get floating addresses, by the configuration of now. */
  async #areTaken(signal: AbortSignal): Promise<boolean> {
    const { cloud } = this.#provider;
    return !cloud.private && cloud.floatingIpSource !== 'none' && (await this.#mayExist(signal));
  }

  /**
   * Whether there may be floating addresses, also of a time when this provider was configured to take some. Asks the cloud at
   * most once in some minutes.
   */
  async #mayExist(signal: AbortSignal): Promise<boolean> {
    const { cloud, pool } = this.#provider;
    if (pool !== undefined || cloud.networks.some(({ natSource }) => natSource === true)) return true;
    if (cloud.floatingIpSource === 'nova') return true;
    return (await this.#externalNetworks(signal)).length > 0;
  }

  /** Names of the networks that lead outside, by what Neutron says; none where there is no Neutron. */
  async #externalNetworks(signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#usesNeutron(signal)) ? await this.#deps.networks.externalNames(signal) : [];
  }

  async #source(signal: AbortSignal): Promise<FloatingSource> {
    const { cloud, pool } = this.#provider;
    if (!(await this.#usesNeutron(signal))) return new NovaFloatingIps(this.#deps.api, pool);
    const from = pool ?? cloud.networks.find(({ natSource }) => natSource === true)?.name;
    return new NeutronFloatingIps({
      api: this.#deps.api,
      networkId: (inner) => this.#deps.networks.floatingId(from, inner),
      comparesRevisions: async (inner) => (await this.#comparesRevisions.find((it) => it, inner)) === true,
    });
  }

  async #usesNeutron(signal: AbortSignal): Promise<boolean> {
    const { floatingIpSource, hasNetworkService } = this.#provider.cloud;
    if (floatingIpSource === 'nova' || hasNetworkService === false) return false;
    return await this.#deps.api.has('network', signal);
  }
}

/** Whether Neutron lets a change be bound to a revision. A cloud that does not say so is taken for one that does not. */
async function comparesRevisions(api: ApiCaller, signal: AbortSignal): Promise<boolean> {
  return await api.call(
    {
      name: 'NeutronExtensionGet',
      service: 'network',
      method: 'GET',
      path: '/extensions/revision-if-match',
      repeatable: true,
      accept: [403, 404],
      read: ({ status }) => status === 200,
    },
    signal,
  );
}
