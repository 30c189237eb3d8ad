import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmulatorOptionsInput } from '../../../devfarm/openstack/emulator-options.ts';
import { NoMachinesBackend } from '../../../devfarm/openstack/no-machines-backend.ts';
import { type OpenStackEmulator, startOpenStackEmulator } from '../../../devfarm/openstack/start-openstack-emulator.ts';
import type { CloudAuth } from '../../../src/config/config.ts';
import { openProvider, type ProviderDeps } from '../../../src/openstack/open-provider.ts';
import type { CloudProvider } from '../../../src/provider/cloud-provider.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { TaskBoard } from '../../../src/runtime/task-board.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { aCloud, aProvider } from '../../openstack/a-provider.ts';
import type { ProviderFacts, TriedOpenStack } from './tried-open-stack.ts';

/** Durations of an emulator that nobody wants to wait for. */
export const QUICK = { buildMs: 50, deleteMs: 50, deletedVisibleMs: 0, snapshotMs: 100, snapshotTailMs: 20 };
const PASSWORD: CloudAuth = {
  kind: 'password',
  username: 'nodepool',
  password: new Secret('devfarm'),
  projectName: 'nodepool',
};

export type EmulatedCloudOptions = {
  readonly emulator?: Partial<EmulatorOptionsInput>;
  readonly deps?: Partial<ProviderDeps>;
  readonly facts?: ProviderFacts;
  /** First byte of the servers' addresses. */
  readonly net?: 10 | 127;
  readonly auth?: CloudAuth;
  readonly apiTimeoutMs?: number;
};

/** Our client on the farm's emulator, without machines. */
export class EmulatedCloud implements TriedOpenStack {
  readonly clock = systemClock;
  readonly imageName = 'base-test';
  readonly imageId: string;
  readonly provider: CloudProvider;
  readonly log: RecordingLogger;
  readonly account: TriedOpenStack['account'];
  readonly #emulator: OpenStackEmulator;
  readonly #stateDir: string;

  private constructor(
    parts: Pick<EmulatedCloud, 'provider' | 'imageId' | 'log'>,
    emulator: OpenStackEmulator,
    stateDir: string,
  ) {
    this.provider = parts.provider;
    this.imageId = parts.imageId;
    this.log = parts.log;
    this.account = { origins: emulator.origins, userName: 'nodepool', password: 'devfarm', projectName: 'nodepool' };
    this.#emulator = emulator;
    this.#stateDir = stateDir;
  }

  static async start(options: EmulatedCloudOptions = {}): Promise<EmulatedCloud> {
    const stateDir = await mkdtemp(join(tmpdir(), 'openstack-client-'));
    const imageId = '21008f49-e8aa-4f6f-9f10-613ce2764531';
    const log = new RecordingLogger();
    const deps = { clock: systemClock, randomness: systemRandomness, log };
    const emulator = await startOpenStackEmulator(
      { stateDir, timings: QUICK, images: [{ name: 'base-test', id: imageId }], ...options.emulator },
      { ...deps, backend: new NoMachinesBackend(options.net) },
    );
    const provider = openProvider(
      {
        ...aProvider(''),
        apiTimeoutMs: options.apiTimeoutMs ?? 20_000,
        networks: [{ name: 'private' }],
        ...options.facts,
        cloud: aCloud('', {
          authUrl: emulator.authUrl,
          auth: options.auth ?? PASSWORD,
          regionName: 'RegionOne',
          ...options.facts?.cloud,
        }),
      },
      { ...deps, tasks: new TaskBoard(systemClock), ...options.deps },
    );
    return new EmulatedCloud({ provider, imageId, log }, emulator, stateDir);
  }

  async failNextBoot(fault: string): Promise<void> {
    await this.addFault({
      match: { service: 'compute', method: 'POST', path: '/servers$' },
      count: 1,
      effect: { buildFails: fault },
    });
  }

  async failNextSnapshot(): Promise<void> {
    await this.addFault({ match: { action: 'createImage' }, count: 1, effect: { snapshotFails: true } });
  }

  async allowServers(most: number): Promise<void> {
    await this.#administer('PUT', 'settings', { quotas: { nodepool: { instances: most } } });
  }

  async allowFloatingIps(most: number): Promise<void> {
    await this.#administer('PUT', 'settings', { quotas: { nodepool: { floatingIps: most } } });
  }

  async allowImageBytes(most: number): Promise<void> {
    await this.#administer('PUT', 'settings', { quotas: { nodepool: { imageBytes: most } } });
  }

  async addFault(rule: object): Promise<void> {
    await this.#administer('POST', 'faults', rule);
  }

  /** Here they are revoked: a client sees no difference, and need not wait. */
  async expireTokens(): Promise<void> {
    await this.#administer('DELETE', 'tokens');
  }

  /** Calls so far, of all services: the emulator's own report. */
  async calls(): Promise<unknown> {
    return await (await this.#administer('GET', 'calls')).json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close();
    await this.#emulator.close();
    await rm(this.#stateDir, { recursive: true });
  }

  async #administer(method: string, path: string, body?: object): Promise<Response> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${this.#emulator.origins.compute}/_devfarm/${path}`, init);
    if (!response.ok) throw new Error(`The emulator refuses ${method} ${path}: ${await response.text()}`);
    return response;
  }
}
