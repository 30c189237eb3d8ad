import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { InstanceHost } from '../../devfarm/instances/instance-host.ts';
import type { Node } from '../../src/node/node.ts';
import { type Gearmand, startGearmand } from '../peers/gearmand.ts';
import { openInstanceHost } from '../peers/instance-host.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';
import { CleanupStack } from './cleanup-stack.ts';
import { FarmCloud } from './farm-cloud.ts';
import { FarmJenkins } from './farm-jenkins.ts';
import { PATIENCE_MS } from './logged-process.ts';

export type PeersOptions = {
  /** Where keys and the peers' states are kept. */
  readonly folder: string;
  /** Where Jenkins publishes its events. Absent: any port that is free. */
  readonly zmqPort?: number | undefined;
};

/** What a farm's Nodepool talks to: a cloud with real machines, Jenkins, gearmand. Dispose of it. */
export class FarmPeers implements AsyncDisposable {
  readonly cloud: FarmCloud;
  readonly jenkins: FarmJenkins;
  readonly #folder: string;
  readonly #host: InstanceHost;
  readonly #cleanups: CleanupStack;
  #gearmand: Gearmand;

  private constructor(folder: string, parts: Parts, cleanups: CleanupStack) {
    this.#folder = folder;
    this.#host = parts.host;
    this.cloud = parts.cloud;
    this.#gearmand = parts.gearmand;
    this.jenkins = parts.jenkins;
    this.#cleanups = cleanups;
    cleanups.add(() => this.killGearmand());
  }

  static async start({ folder, zmqPort }: PeersOptions): Promise<FarmPeers> {
    const cleanups = new CleanupStack();
    try {
      writeKeys(folder);
      const host = await openInstanceHost();
      cleanups.add(() => host.destroyAll());
      const cloud = await FarmCloud.start(folder, host);
      cleanups.add(() => cloud.close());
      const gearmand = await startGearmand();
      cleanups.add(() => gearmand.kill());
      const jenkins = await FarmJenkins.start({ folder, gearmanPort: gearmand.port, ...(zmqPort && { zmqPort }) });
      cleanups.add(() => jenkins.stop('kill'));
      return new FarmPeers(folder, { host, cloud, gearmand, jenkins }, cleanups);
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  get gearmanPort(): number {
    return this.#gearmand.port;
  }

  get sshPort(): number {
    return this.#host.port;
  }

  /** The public key that opens the nodes, once a setup script has put it there. */
  get publicKey(): string {
    return readFileSync(join(this.#folder, 'key.pub'), 'utf8').trim();
  }

  /** What a command printed on the node's machine. */
  async onMachine({ ip = '' }: Node, command: string): Promise<string> {
    const settings = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
    const options = ['-F', 'none', '-i', join(this.#folder, 'key'), ...settings.flatMap((each) => ['-o', each])];
    const login = ['-p', String(this.sshPort), `jenkins@${ip}`];
    return (await execa('ssh', [...options, ...login, command], { stdin: 'ignore', timeout: PATIENCE_MS })).stdout;
  }

  async killGearmand(): Promise<void> {
    await this.#gearmand.kill();
  }

  /** Starts gearmand again, at the port of before. */
  async restartGearmand(): Promise<void> {
    this.#gearmand = await startGearmand({ port: this.gearmanPort });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }
}

function writeKeys(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const keys = makeSshKeyPair();
  writeFileSync(join(folder, 'key'), keys.private, { mode: 0o600 });
  writeFileSync(join(folder, 'key.pub'), keys.public);
}

type Parts = {
  readonly host: InstanceHost;
  readonly cloud: FarmCloud;
  readonly gearmand: Gearmand;
  readonly jenkins: FarmJenkins;
};
