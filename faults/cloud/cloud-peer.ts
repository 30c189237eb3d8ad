import { join } from 'node:path';
import type { EmulatorOptionsInput } from '../../devfarm/openstack/emulator-options.ts';
import type { FaultRule } from '../../devfarm/openstack/fault-rule.ts';
import { NoMachinesBackend } from '../../devfarm/openstack/no-machines-backend.ts';
import { type OpenStackEmulator, startOpenStackEmulator } from '../../devfarm/openstack/start-openstack-emulator.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type Randomness, systemRandomness } from '../../src/runtime/randomness.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';

export const CLOUD_ACCOUNT = { user: 'nodepool', password: 'devfarm', project: 'nodepool' };
export const IMAGE_IDS = ['21008f49-e8aa-4f6f-9f10-613ce2764531', '5f1cd1a3-5d0c-4a5c-8f0c-6c6d4e3f0a11'] as const;
/** The last one serves; the others are older. */
const NEWEST_IMAGE = IMAGE_IDS[1];
/** Names of what others have in the project. */
const FOREIGN = 'foreign-';

const GOLDEN = (Math.sqrt(5) - 1) / 2;

type Named = { readonly id: string; readonly name: string };

/** All that could be left behind in the cloud (the emulator's `/_devfarm/servers`). */
export type CloudContents = {
  readonly servers: readonly (Named & {
    readonly status: string;
    readonly metadata: Readonly<Record<string, string>>;
  })[];
  readonly ports: readonly (Named & { readonly device_id: string })[];
  readonly floating_ips: readonly { readonly address: string; readonly port_id: string | null }[];
  readonly keypairs: readonly string[];
};

export type CallCounts = {
  readonly total: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
};

/** An emulated cloud without machines, as a test or an administrator of it sees it. */
export class CloudPeer implements AsyncDisposable {
  readonly #options: EmulatorOptionsInput;
  readonly #clock: Clock;
  readonly #backend = new NoMachinesBackend(10);
  #emulator: OpenStackEmulator | undefined;
  #authUrl = '';

  private constructor(options: EmulatorOptionsInput, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  static async start(
    stateDir: string,
    options: Partial<EmulatorOptionsInput>,
    { clock }: { readonly clock: Clock },
  ): Promise<CloudPeer> {
    const { user, password, project } = CLOUD_ACCOUNT;
    const quota = { instances: 40, cores: 200, floatingIps: 60 };
    const all = {
      stateDir: join(stateDir),
      ...{ projects: [{ name: project, quota }], users: [{ name: user, password, projects: [project] }] },
      images: IMAGE_IDS.map((id, n) => ({ name: `base-${n}`, id })),
      timings: { buildMs: 1_000, deleteMs: 500, deletedVisibleMs: 100, floatingMs: 200 },
      ...options,
    };
    const peer = new CloudPeer(all, clock);
    await peer.restart();
    return peer;
  }

  get authUrl(): string {
    return this.#authUrl;
  }

  /** Ends it as a power cut would: all its services refuse connections. */
  async stop(): Promise<void> {
    const emulator = this.#emulator;
    this.#emulator = undefined;
    await emulator?.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    const deps = { clock: this.#clock, log: new RecordingLogger(), randomness: evenly(), backend: this.#backend };
    this.#emulator = await startOpenStackEmulator(this.#options, deps);
    this.#authUrl = this.#emulator.authUrl;
  }

  async add(...rules: readonly Partial<FaultRule>[]): Promise<void> {
    await this.#ask('POST', '/_devfarm/faults', rules);
  }

  async heal(): Promise<void> {
    await this.#ask('DELETE', '/_devfarm/faults');
  }

  async revokeTokens(): Promise<void> {
    await this.#ask('DELETE', '/_devfarm/tokens');
  }

  async setInstanceQuota(instances: number): Promise<void> {
    await this.#ask('PUT', '/_devfarm/settings', { quotas: { [CLOUD_ACCOUNT.project]: { instances } } });
  }

  async calls(): Promise<CallCounts> {
    return (await this.#ask('GET', '/_devfarm/calls')) as CallCounts;
  }

  async forgetCalls(): Promise<void> {
    await this.#ask('DELETE', '/_devfarm/calls');
  }

  async contents(): Promise<CloudContents> {
    return (await this.#ask('GET', '/_devfarm/servers')) as CloudContents;
  }

  /** Somebody else makes servers in our project. */
  async makeForeignServers(count: number): Promise<void> {
    const { token, compute } = await this.#logIn();
    for (let n = 1; n <= count; n += 1) {
      const server = { name: `${FOREIGN}${n}`, imageRef: IMAGE_IDS[0], flavorRef: '1', networks: 'none' };
      await send(`${compute}/v2.1/servers`, { method: 'POST', token, body: { server }, microversion: '2.37' });
    }
  }

  async deleteForeignServers(): Promise<void> {
    const { token, compute } = await this.#logIn();
    for (const { id, name } of (await this.contents()).servers) {
      if (isForeign(name)) await send(`${compute}/v2.1/servers/${id}`, { method: 'DELETE', token });
    }
  }

  /** The image that launches use goes, and nobody asked for it. */
  async loseImage(): Promise<void> {
    const path = `/images/${NEWEST_IMAGE}`;
    await this.add({ match: { service: 'image', path: `${path}$` }, count: 1, effect: { imageVanishesAfterMs: 0 } });
    const { token, image } = await this.#logIn();
    const answer = await fetch(`${image}/v2${path}`, { headers: { 'x-auth-token': token } });
    if (answer.status !== 404) throw new Error(`The image is still there: status ${answer.status}`);
  }

  /** The networks as Neutron lists them. */
  async networks(): Promise<readonly Named[]> {
    const { token, network } = await this.#logIn();
    const { networks } = (await send(`${network}/v2.0/networks`, { method: 'GET', token })) as {
      readonly networks: readonly Named[];
    };
    return networks;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #logIn(): Promise<OpenStackEmulator['origins'] & { readonly token: string }> {
    const { user: name, password, project } = CLOUD_ACCOUNT;
    const domain = { id: 'default' };
    const identity = { methods: ['password'], password: { user: { name, password, domain } } };
    const scope = { project: { name: project, domain } };
    const { origins } = this.#running;
    const answer = await fetch(`${origins.identity}/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity, scope } }),
    });
    const token = answer.headers.get('x-subject-token');
    if (token === null) throw new Error(`Cannot log in to the emulator: ${await answer.text()}`);
    return { ...origins, token };
  }

  get #running(): OpenStackEmulator {
    if (this.#emulator === undefined) throw new Error('The cloud is stopped');
    return this.#emulator;
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    return await send(`${this.#running.origins.compute}${path}`, { method, body });
  }
}

export function isForeign(name: string): boolean {
  return name.startsWith(FOREIGN);
}

type Sent = {
  readonly method: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly microversion?: string;
};

/** @throws {Error} the emulator refuses it */
async function send(url: string, { method, body, token, microversion }: Sent): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { 'x-auth-token': token }),
      ...(microversion !== undefined && { 'openstack-api-version': `compute ${microversion}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} got status ${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** Fractions that lie as evenly as can be, so that no share of calls depends on luck. */
function evenly(): Randomness {
  let last = 0;
  const fraction = (): number => (last = (last + GOLDEN) % 1);
  return { ...systemRandomness, fraction };
}
