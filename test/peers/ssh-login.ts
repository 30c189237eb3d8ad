import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A key pair and the real ssh(1) that logs in with it. */
export class SshLogin implements AsyncDisposable {
  readonly publicKey: string;
  readonly #folder: string;

  private constructor(folder: string, publicKey: string) {
    this.#folder = folder;
    this.publicKey = publicKey;
  }

  static async create(): Promise<SshLogin> {
    const folder = await mkdtemp(join(tmpdir(), 'nps-'));
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(folder, 'key')]);
    return new SshLogin(folder, (await readFile(join(folder, 'key.pub'), 'utf8')).trim());
  }

  /** What `command` printed, without the last line break. @throws {Error} it failed, or ssh could not log in */
  async run(server: { address: string; port: number }, command: string, user = 'root'): Promise<string> {
    const { stdout } = await execa(
      'ssh',
      [...this.#options(), '-p', String(server.port), `${user}@${server.address}`, command],
      {
        stdin: 'ignore',
        timeout: 20_000,
      },
    );
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #options(): readonly string[] {
    const settings = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
    return ['-F', 'none', '-i', join(this.#folder, 'key'), ...settings.flatMap((setting) => ['-o', setting])];
  }
}
