import { join } from 'node:path';
import { request } from 'undici';
import { z } from 'zod';
import type { InstanceHost } from '../../devfarm/instances/instance-host.ts';
import { InstancesBackend } from '../../devfarm/openstack/instances-backend.ts';
import { type OpenStackEmulator, startOpenStackEmulator } from '../../devfarm/openstack/start-openstack-emulator.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { BASE_IMAGE } from '../peers/instance-host.ts';

const Overview = z.object({
  servers: z.array(
    z.object({
      ...{ id: z.string(), name: z.string(), status: z.string(), image: z.string() },
      metadata: z.record(z.string(), z.string()),
    }),
  ),
  images: z.array(z.object({ id: z.string(), name: z.string(), disk_format: z.string().nullable() })),
  keypairs: z.array(z.string()),
});
export type CloudOverview = z.output<typeof Overview>;

/** The farm's cloud: the emulator with real machines behind its servers. */
export class FarmCloud {
  readonly #emulator: OpenStackEmulator;
  readonly #backend: InstancesBackend;

  private constructor(emulator: OpenStackEmulator, backend: InstancesBackend) {
    this.#emulator = emulator;
    this.#backend = backend;
  }

  static async start(folder: string, host: InstanceHost): Promise<FarmCloud> {
    const log = new RecordingLogger();
    const backend = new InstancesBackend(join(folder, 'servers'), { host, log });
    const options = {
      stateDir: join(folder, 'openstack'),
      images: [{ name: 'debian', machineRef: BASE_IMAGE }],
      timings: { buildMs: 50, deleteMs: 20, snapshotMs: 50, deletedVisibleMs: 20, snapshotTailMs: 20 },
    };
    const deps = { backend, clock: systemClock, log, randomness: systemRandomness };
    return new FarmCloud(await startOpenStackEmulator(options, deps), backend);
  }

  get authUrl(): string {
    return this.#emulator.authUrl;
  }

  /** All that is in the cloud now and was not there from the start. */
  async overview(): Promise<CloudOverview> {
    return Overview.parse(await this.#administer('GET', 'servers'));
  }

  /** Names of the servers, in order. */
  async serverNames(): Promise<readonly string[]> {
    return (await this.overview()).servers.map(({ name }) => name).sort();
  }

  /** Switches a fault on: what `faults.json` holds. */
  async fail(rule: unknown): Promise<void> {
    await this.#administer('POST', 'faults', rule);
  }

  async mend(): Promise<void> {
    await this.#administer('DELETE', 'faults');
  }

  /** Lets an image vanish, as if another program had deleted it. */
  async loseImage(id: string): Promise<void> {
    const token = await this.#token();
    const { statusCode } = await request(`${this.#emulator.origins.image}/v2/images/${id}`, {
      method: 'DELETE',
      headers: { 'x-auth-token': token },
    });
    if (statusCode !== 204) throw new Error(`Cannot delete image ${id}: ${statusCode}`);
  }

  async close(): Promise<void> {
    await this.#emulator.close();
    await this.#backend.close();
  }

  async #administer(method: 'GET' | 'POST' | 'DELETE', what: string, body?: unknown): Promise<unknown> {
    const answer = await request(`${this.#emulator.origins.compute}/_devfarm/${what}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${what}: ${answer.statusCode} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async #token(): Promise<string> {
    const user = { name: 'nodepool', domain: { id: 'default' }, password: 'devfarm' };
    const scope = { project: { name: 'nodepool', domain: { id: 'default' } } };
    const identity = { methods: ['password'], password: { user } };
    const answer = await request(`${this.authUrl}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity, scope } }),
    });
    await answer.body.dump();
    return String(answer.headers['x-subject-token']);
  }
}
