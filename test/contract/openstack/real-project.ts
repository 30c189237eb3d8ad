import type { ServiceOrigins, SubjectQuota } from './openstack-subject.ts';
import { type Account, RealAccount } from './real-account.ts';

/** More disk than a host has; all else is within the quota. */
const HUGE = { id: 'huge', name: 'huge', ram: 2048, vcpus: 1, disk: 900_000 };

type Place = Account & { readonly origins: ServiceOrigins; readonly admin: Account };

/** The project of a real cloud that the contract is tried in, and who may change what it is allowed. Remembers what it set. */
export class RealProject {
  readonly tenant: RealAccount;
  readonly #admin: RealAccount;
  readonly #id: string;
  #quota = '';
  #hasHugeFlavor: boolean | undefined;

  private constructor(tenant: RealAccount, admin: RealAccount, id: string) {
    this.tenant = tenant;
    this.#admin = admin;
    this.#id = id;
  }

  /** @throws the cloud does not answer, or refuses an account */
  static async open({ origins, admin, ...account }: Place): Promise<RealProject> {
    const [boss, tenant] = await Promise.all([RealAccount.open(origins, admin), RealAccount.open(origins, account)]);
    return new RealProject(tenant, boss, await tenant.projectId());
  }

  async setQuota(quota: Required<SubjectQuota>): Promise<void> {
    const text = JSON.stringify(quota);
    if (text === this.#quota) return;
    const { instances, cores, ramMib, keyPairs, floatingIps, ports } = quota;
    const compute = { instances, cores, ram: ramMib, key_pairs: keyPairs, force: true };
    const network = { floatingip: floatingIps, port: ports };
    this.#quota = ''; // one of the two may fail
    await Promise.all([
      this.#admin.ask('compute', `PUT /v2.1/os-quota-sets/${this.#id}`, { quota_set: compute }),
      this.#admin.ask('network', `PUT /v2.0/quotas/${this.#id}`, { quota: network }),
    ]);
    this.#quota = text;
  }

  /** Whether there is a flavor that fits on no host. */
  async setHugeFlavor(isThere: boolean): Promise<void> {
    if (isThere === this.#hasHugeFlavor) return;
    await this.#admin.ask('compute', 'DELETE /v2.1/flavors/huge');
    if (isThere) await this.#admin.ask('compute', 'POST /v2.1/flavors', { flavor: HUGE });
    this.#hasHugeFlavor = isThere;
  }
}
