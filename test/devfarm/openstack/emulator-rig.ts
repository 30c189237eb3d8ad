import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmulatorOptionsInput } from '../../../devfarm/openstack/emulator-options.ts';
import type { MachineBackend } from '../../../devfarm/openstack/machine-backend.ts';
import { NoMachinesBackend } from '../../../devfarm/openstack/no-machines-backend.ts';
import { startOpenStackEmulator } from '../../../devfarm/openstack/start-openstack-emulator.ts';
import type { OpenStackEmulator } from '../../../devfarm/openstack/start-openstack-emulator.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { getToken, sendRaw } from '../../contract/openstack/raw-http.ts';
import type { RawAnswer } from '../../contract/openstack/raw-http.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';

type Json = Record<string, unknown>;
export type RigOptions = {
  readonly options?: Omit<EmulatorOptionsInput, 'stateDir'>;
  readonly backend?: MachineBackend;
  readonly clock?: Clock;
  /** Starts from a copy of this folder: what a killed emulator left. */
  readonly from?: string;
};

/** An emulator in a folder of its own, and a client of it. */
export class EmulatorRig implements AsyncDisposable {
  readonly emulator: OpenStackEmulator;
  readonly stateDir: string;
  /** The clock, unless another was given. */
  readonly clock: FakeClock;
  #token = '';

  private constructor(emulator: OpenStackEmulator, stateDir: string, clock: FakeClock) {
    this.emulator = emulator;
    this.stateDir = stateDir;
    this.clock = clock;
  }

  static async open(rig: RigOptions = {}): Promise<EmulatorRig> {
    const stateDir = await mkdtemp(join(tmpdir(), 'emulator-'));
    if (rig.from !== undefined) await cp(rig.from, stateDir, { recursive: true });
    if (rig.from !== undefined) await rm(join(stateDir, 'ports.json')); // the one that "was killed" still has them
    const clock = new FakeClock(new Date('2026-11-21T10:00:00Z'));
    const backend = rig.backend ?? new NoMachinesBackend();
    const deps = { backend, clock: rig.clock ?? clock, log: new RecordingLogger(), randomness: systemRandomness };
    const opened = new EmulatorRig(await startOpenStackEmulator({ stateDir, ...rig.options }, deps), stateDir, clock);
    await opened.login();
    return opened;
  }

  async login(): Promise<void> {
    const account = { userName: 'nodepool', password: 'devfarm', projectName: 'nodepool' };
    this.#token = await getToken(this.emulator.origins.identity, account);
  }

  /** Headers of a request that is the client's. */
  get authorization(): Readonly<Record<string, string>> {
    return { 'x-auth-token': this.#token };
  }

  /** `call('compute', 'GET /v2.1/servers')`. */
  async call(service: keyof OpenStackEmulator['origins'], line: string, body?: unknown): Promise<RawAnswer> {
    const [method = '', path = ''] = line.split(' ');
    return await sendRaw({
      method,
      url: `${this.emulator.origins[service]}${path}`,
      headers: { 'x-auth-token': this.#token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** The answer's JSON. */
  async json(service: keyof OpenStackEmulator['origins'], line: string, body?: unknown): Promise<Json> {
    return (await this.call(service, line, body)).json as Json;
  }

  async addFault(rule: Json): Promise<void> {
    const answer = await this.call('identity', 'POST /_devfarm/faults', rule);
    if (answer.status !== 201) throw new Error(`Cannot add the rule: ${answer.text}`);
  }

  /** What a create asks for here, when nothing is special. */
  async serverBody(name: string): Promise<Json> {
    const { images } = (await this.json('image', 'GET /v2/images')) as { images: { id: string; name: string }[] };
    const base = images.find((image) => image.name === 'base-test');
    return { server: { name, imageRef: base?.id, flavorRef: '1' } };
  }

  /** Creates a server; gives its id. It is still being built. */
  async createServer(name: string): Promise<string> {
    const created = await this.json('compute', 'POST /v2.1/servers', await this.serverBody(name));
    return (created['server'] as { id: string }).id;
  }

  /** Creates a server and lets it become ACTIVE. */
  async makeServer(name: string): Promise<string> {
    const id = await this.createServer(name);
    await this.clock.advance(1000);
    return id;
  }

  /** The server as it is shown; undefined if there is none. */
  async findServer(id: string): Promise<Json | undefined> {
    const answer = await this.call('compute', `GET /v2.1/servers/${id}`);
    return answer.status === 404 ? undefined : ((answer.json as Json)['server'] as Json);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator.close();
    await rm(this.stateDir, { recursive: true });
  }
}
