import type { Instance } from '../../../devfarm/instances/instance-store.ts';
import { BASE_IMAGE } from '../../peers/instance-host.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';

/** What the cloud's base image would be. */
const SERVER_IMAGE = 'server';
/** What the snapshot of the build server would be. */
const NODE_IMAGE = 'node';

// A fake hypervisor injects no keys, so root may log in with any. Whoever else comes needs what the setup script wrote.
const PREPARE = `cat >/etc/ssh/sshd_config.d/01-any-key.conf <<END
Match User root
AuthorizedKeysCommand /bin/echo %t %k
AuthorizedKeysCommandUser nobody
END
`;

/**
 * Machines for a hypervisor that has none: each address that somebody connects to gets one, when it is connected to
 * first. The first is taken for the build server; all later ones are made of what it has become.
 */
export class ServerMachines implements AsyncDisposable {
  readonly #bench: InstanceBench;
  readonly #machines = new Map<string, Promise<Instance>>();
  #image: Promise<string> | undefined;

  private constructor(bench: InstanceBench) {
    this.#bench = bench;
  }

  static async start(): Promise<ServerMachines> {
    const bench = await InstanceBench.open();
    try {
      const machine = await bench.boot({ image: BASE_IMAGE });
      await bench.login.run(machine, PREPARE);
      await bench.host.snapshot(machine.id, SERVER_IMAGE);
      await bench.host.delete(machine.id);
      return new ServerMachines(bench);
    } catch (error) {
      await bench.end();
      throw error;
    }
  }

  /** Addresses that have a machine. */
  get addresses(): ReadonlySet<string> {
    return new Set(this.#machines.keys());
  }

  /** Where the machine of that address really is. */
  async at(address: string): Promise<Pick<Instance, 'address' | 'port'>> {
    const known = this.#machines.get(address) ?? this.#boot(address);
    this.#machines.set(address, known);
    return await known;
  }

  /** What a shell script printed that root ran there. */
  async run(address: string, script: string): Promise<string> {
    return await this.#bench.login.run(await this.at(address), script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#machines.values());
    await this.#bench.end();
  }

  async #boot(address: string): Promise<Instance> {
    const name = `server-${address.replaceAll('.', '-')}`;
    const [first] = this.#machines.values();
    if (first === undefined) return await this.#bench.boot({ image: SERVER_IMAGE, name });
    this.#image ??= this.#saveImage(first);
    return await this.#bench.boot({ image: await this.#image, name });
  }

  async #saveImage(built: Promise<Instance>): Promise<string> {
    await this.#bench.host.snapshot((await built).id, NODE_IMAGE);
    return NODE_IMAGE;
  }
}
