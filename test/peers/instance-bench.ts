import { findInstanceProcess, type InstanceProcess } from '../../devfarm/instances/instance-process.ts';
import type { Instance, NewInstance } from '../../devfarm/instances/instance-store.ts';
import type { InstanceHost, InstanceHostOptions } from '../../devfarm/instances/instance-host.ts';
import { findProcess } from '../../devfarm/instances/process-identity.ts';
import { BASE_IMAGE, openInstanceHost, reopenInstanceHost } from './instance-host.ts';
import { SshLogin } from './ssh-login.ts';

/** A host of instances and a login to all of them. */
export class InstanceBench {
  readonly login: SshLogin;

  #host: InstanceHost;

  private constructor(host: InstanceHost, login: SshLogin) {
    this.#host = host;
    this.login = login;
  }

  get host(): InstanceHost {
    return this.#host;
  }

  static async open(options: Partial<InstanceHostOptions> = {}): Promise<InstanceBench> {
    const host = await openInstanceHost(options);
    return new InstanceBench(host, await SshLogin.create());
  }

  get stateDir(): string {
    return this.host.stateDir;
  }

  /** Creates and starts an instance, and waits until ssh answers. */
  async boot(order: Partial<NewInstance> = {}): Promise<Instance> {
    const whole = { image: BASE_IMAGE, name: 'node', authorizedKeys: [this.login.publicKey], ...order };
    const instance = await this.host.create(whole);
    await this.host.start(instance.id);
    await this.host.waitForSsh(instance.id);
    return instance;
  }

  /** Pulls the plug and puts it in again. */
  async restart(instance: Instance): Promise<void> {
    await this.host.kill(instance.id);
    await this.host.start(instance.id);
    await this.host.waitForSsh(instance.id);
  }

  /** @throws {Error} it does not run */
  async processOf(instance: Instance): Promise<InstanceProcess> {
    const running = await findInstanceProcess(`${this.stateDir}/instances/${instance.id}`);
    if (running === undefined) throw new Error(`Instance "${instance.id}" does not run`);
    return running;
  }

  /** Those of the processes that live. */
  async aliveOf(pids: readonly number[]): Promise<readonly number[]> {
    const found = await Promise.all(pids.map(findProcess));
    return found.flatMap((process) => (process === undefined ? [] : [process.pid]));
  }

  /** As a farm that starts again: lets go of the folder and opens it anew. */
  async reopen(): Promise<void> {
    await this.#host.close();
    this.#host = await reopenInstanceHost(this.#host);
  }

  async end(): Promise<void> {
    await this.host.destroyAll();
    await this.login[Symbol.asyncDispose]();
  }
}
