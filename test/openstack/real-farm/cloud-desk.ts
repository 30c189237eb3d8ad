import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { at, listAt } from '../../contract/openstack/at.ts';
import { readRealCloud } from '../../contract/openstack/open-subject.ts';
import type { OpenStackSubject } from '../../contract/openstack/openstack-subject.ts';
import { RealAccount } from '../../contract/openstack/real-account.ts';
import { openRealSubject, type RealCloud, writeFaults } from '../../contract/openstack/real-subject.ts';
import { Tenant } from '../../contract/openstack/tenant.ts';

/** What is in the cloud, of all projects, but for what belongs to the cloud itself: names, ids of ports, addresses. */
export type CloudInventory = {
  readonly servers: readonly string[];
  readonly ports: readonly string[];
  readonly keypairs: readonly string[];
  readonly floatingIps: readonly string[];
  readonly images: readonly string[];
};

export const NOTHING: CloudInventory = { servers: [], ports: [], keypairs: [], floatingIps: [], images: [] };

/** The image that is there from the start. */
const BASE_IMAGE = 'base-test';

/** Whoever administers the real cloud, and others who work in our project. */
export class CloudDesk implements AsyncDisposable {
  readonly real: RealCloud;
  readonly #subject: OpenStackSubject;

  private constructor(real: RealCloud, subject: OpenStackSubject) {
    this.real = real;
    this.#subject = subject;
  }

  /** Takes the cloud over, with an empty project, full quotas and no faults. */
  static async open(): Promise<CloudDesk> {
    const real = await readRealCloud();
    return new CloudDesk(real, await openRealSubject(real));
  }

  /** What the cloud's administrator sees; keypairs only their owner does. */
  async inventory(): Promise<CloudInventory> {
    const [admin, tenant] = [await this.#admin(), await this.#tenant()];
    const [servers, ports, keypairs, floatingIps, images] = await Promise.all([
      everyPage(admin, 'compute', { path: '/v2.1/servers/detail?all_tenants=1', key: 'servers' }),
      admin.ask('network', 'GET /v2.0/ports'),
      tenant.ask('compute', 'GET /v2.1/os-keypairs'),
      admin.ask('network', 'GET /v2.0/floatingips'),
      everyPage(admin, 'image', { path: '/v2/images?sort=id', key: 'images' }),
    ]);
    const isTheClouds = (port: unknown): boolean => String(at(port, 'device_owner')).startsWith('network:');
    const serverPorts = listAt(ports, 'ports').filter((port) => !isTheClouds(port));
    return {
      servers: textsAt(servers, 'name'),
      ports: textsAt(serverPorts, 'id'),
      keypairs: textsAt(listAt(keypairs, 'keypairs'), 'keypair', 'name'),
      floatingIps: textsAt(listAt(floatingIps, 'floatingips'), 'floating_ip_address'),
      images: textsAt(images, 'name').filter((name) => name !== BASE_IMAGE),
    };
  }

  /** What the fake hypervisor does from now on: see the README of real-cloud. */
  async setFaults(faults: Readonly<Record<string, object>>): Promise<void> {
    await writeFaults(faults, this.real);
  }

  /** Absent: as many as at first. */
  async allowServers(most?: number): Promise<void> {
    await this.#subject.setQuota(most === undefined ? {} : { instances: most });
  }

  /** Servers of somebody else in the same project. Gives what deletes them. */
  async makeForeignServers(count: number): Promise<() => Promise<void>> {
    const tenant = await Tenant.of(this.#subject);
    const ids: string[] = [];
    for (let made = 0; made < count; made += 1) ids.push(await tenant.makeServer(`somebody-${made}`));
    return async () => {
      await Promise.all(ids.map((id) => tenant.removeServer(id)));
    };
  }

  /** As somebody does by hand. */
  async deleteImage(id: string): Promise<void> {
    await (await this.#tenant()).ask('image', `DELETE /v2/images/${id}`);
  }

  /** Keystone refuses from now on every token that it gave to our account; other services notice when they ask it again. */
  async revokeTokens(): Promise<void> {
    const { userName: name, password } = this.real;
    const admin = await this.#admin();
    const users = listAt(await admin.ask('identity', `GET /v3/users?name=${name}`), 'users');
    await admin.ask('identity', `PATCH /v3/users/${String(at(users[0], 'id'))}`, { user: { password } });
  }

  /** Answers of Nova's API since it was started last: how many there were, and how many of them were 403. */
  novaAnswers(): { readonly all: number; readonly refused: number } {
    const log = readFileSync(join(dirname(this.real.faultsFile), 'log/nova-api.log'), 'utf8');
    const statuses = [...log.matchAll(/" status: (\d{3}) len: /g)].map(([, status]) => status);
    return { all: statuses.length, refused: statuses.filter((status) => status === '403').length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.allowServers();
    await this.#subject.close();
  }

  /** Logged in each time anew: tokens may be short-lived. */
  async #admin(): Promise<RealAccount> {
    return await RealAccount.open(this.real.origins, this.real.admin);
  }

  async #tenant(): Promise<RealAccount> {
    return await RealAccount.open(this.real.origins, this.real);
  }
}

type Listed = { readonly path: string; readonly key: string };

/** The cloud may be started with small pages. */
async function everyPage(account: RealAccount, service: 'compute' | 'image', listed: Listed): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let marker = ''; ;) {
    const page = listAt(await account.ask(service, `GET ${listed.path}${marker}`), listed.key);
    if (page.length === 0) return found;
    found.push(...page);
    marker = `&marker=${String(at(page.at(-1), 'id'))}`;
  }
}

function textsAt(list: readonly unknown[], ...keys: readonly string[]): readonly string[] {
  return list.map((each) => String(at(each, ...keys))).sort();
}
