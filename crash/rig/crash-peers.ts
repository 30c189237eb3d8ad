import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CleanupStack } from '../../test/integration/cleanup-stack.ts';
import { type Gearmand, startGearmand } from '../../test/peers/gearmand.ts';
import { makeSshKeyPair } from '../../test/peers/ssh-key-pair.ts';
import type { CloudAddress, CloudOptions } from './cloud-process.ts';
import type { CrashPrograms } from './crash-programs.ts';
import type { CrashSlot } from './crash-slot.ts';
import { insist } from './insist.ts';
import type { JenkinsAddress, JenkinsOptions } from './jenkins-process.ts';
import { type PeerProcess, startPeer } from './peer-process.ts';

export type PeersParts = {
  readonly slot: CrashSlot;
  readonly programs: CrashPrograms;
  /** What each job does. */
  readonly command: string;
};

/** Cloud, Jenkins and gearmand, each in a process that can be killed and started again where it was. Dispose of it. */
export class CrashPeers implements AsyncDisposable {
  readonly #parts: PeersParts;
  readonly #cleanups = new CleanupStack();
  #cloud: PeerProcess<CloudAddress> | undefined;
  #jenkins: PeerProcess<JenkinsAddress> | undefined;
  #gearmand: Gearmand | undefined;
  /** Each Jenkins that ever ran. */
  readonly #managers: PeerProcess<JenkinsAddress>[] = [];

  private constructor(parts: PeersParts) {
    this.#parts = parts;
    this.#cleanups.add(async () => this.#cloud?.process.kill());
    this.#cleanups.add(async () => this.#jenkins?.process.kill());
    this.#cleanups.add(async () => this.#gearmand?.kill());
  }

  static async start(parts: PeersParts): Promise<CrashPeers> {
    const keys = makeSshKeyPair();
    writeFileSync(join(parts.slot.folder, 'key'), keys.private, { mode: 0o600 });
    writeFileSync(join(parts.slot.folder, 'key.pub'), keys.public);
    const peers = new CrashPeers(parts);
    try {
      await peers.startCloud();
      peers.#gearmand = await startGearmand();
      await peers.startJenkins();
      return peers;
    } catch (error) {
      await peers[Symbol.asyncDispose]();
      throw error;
    }
  }

  get cloud(): CloudAddress {
    return started(this.#cloud).address;
  }

  get jenkins(): JenkinsAddress {
    return started(this.#jenkins).address;
  }

  get gearmanPort(): number {
    return started(this.#gearmand).port;
  }

  /** What Jenkins did, one line each. */
  get jenkinsLog(): readonly string[] {
    return this.#managers.flatMap(({ process: { lines } }) => lines);
  }

  /** The public key that opens the nodes, once a setup script has put it there. */
  get publicKey(): string {
    return readFileSync(join(this.#parts.slot.folder, 'key.pub'), 'utf8').trim();
  }

  async startCloud(): Promise<void> {
    const { slot, programs } = this.#parts;
    const options: CloudOptions = {
      machines: slot.machines,
      serversDir: join(slot.folder, 'servers'),
      stateDir: join(slot.folder, 'openstack'),
    };
    this.#cloud = await insist(() => startPeer(programs.rig('cloud-process'), options, slot.folder));
  }

  async killCloud(): Promise<void> {
    await this.#cloud?.process.kill();
  }

  async startJenkins(): Promise<void> {
    const { slot, programs, command } = this.#parts;
    const options: JenkinsOptions = {
      ...{ stateDir: join(slot.folder, 'jenkins'), privateKeyPath: join(slot.folder, 'key'), command },
      gearmanPort: this.gearmanPort,
      port: portOf(this.#jenkins?.address.url),
      zmqPort: portOf(this.#jenkins?.address.zmqEndpoint),
    };
    this.#jenkins = await insist(() => startPeer(programs.rig('jenkins-process'), options, slot.folder));
    this.#managers.push(this.#jenkins);
  }

  async killJenkins(): Promise<void> {
    await this.#jenkins?.process.kill();
  }

  async startGearmand(): Promise<void> {
    this.#gearmand = await insist(() => startGearmand({ port: this.gearmanPort }));
  }

  async killGearmand(): Promise<void> {
    await this.#gearmand?.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('The farm is not started');
  return part;
}

function portOf(url: string | undefined): number {
  return Number(/:(\d+)(?:\/|$)/.exec(url ?? '')?.[1] ?? 0);
}
