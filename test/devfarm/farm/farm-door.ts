import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { ensureBaseTar } from '../../../devfarm/instances/base-image.ts';
import { detectHostMode } from '../../../devfarm/instances/host-mode.ts';
import { joinPrefix, ownPrefix } from '../../../devfarm/instances/own-network.ts';

const PATIENCE_MS = 90_000;

/** What a command printed and how it ended. */
export type Said = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/**
 * The program devfarm, as built, with a folder for its farms. All of it runs in a network of its own, so that it disturbs
 * no other farm of this machine. Dispose of it.
 */
export class FarmDoor implements AsyncDisposable {
  /** Where the farm is asked to live. */
  readonly root: string;
  readonly #folder: string;
  readonly #prefix: readonly string[];
  readonly #leave: () => Promise<void>;

  private constructor(prefix: readonly string[], leave: () => Promise<void>) {
    this.#folder = mkdtempSync('/var/tmp/np-devfarm-'); // not /tmp: machines do not start on a container's overlay
    this.root = join(this.#folder, 'farm');
    this.#prefix = prefix;
    this.#leave = leave;
  }

  static async open(): Promise<FarmDoor> {
    await ensureBaseTar({}, await detectHostMode()); // from in there no package can be had
    const [program, ...words] = [...ownPrefix(), 'sh', '-c', 'echo in; exec sleep infinity'];
    const holder = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const end = (): void => void holder.kill('SIGKILL');
    process.once('exit', end);
    await once(holder.stdout, 'data');
    const left = once(holder, 'exit');
    return new FarmDoor(await joinPrefix(holder.pid ?? 0), async () => {
      process.off('exit', end);
      end();
      await left;
    });
  }

  /** Runs one of devfarm's verbs on this farm. */
  async devfarm(verb: string, ...words: readonly string[]): Promise<Said> {
    return await this.plain(verb, '--state', this.root, ...words);
  }

  /** Runs devfarm with these words alone. */
  async plain(...words: readonly string[]): Promise<Said> {
    return await this.run(join(inject('programs'), 'devfarm'), ...words);
  }

  /** Runs anything in the network. */
  async run(...words: readonly string[]): Promise<Said> {
    const [program = '', ...args] = [...this.#prefix, ...words];
    const { exitCode, stdout, stderr } = await execa(program, args, {
      reject: false,
      stdin: 'ignore',
      timeout: PATIENCE_MS,
    });
    return { exitCode: exitCode ?? -1, stdout, stderr };
  }

  /** Processes and mounts, in whatever namespaces, that name the farm's folder. */
  leftovers(): readonly string[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const processes = pids.filter((pid) => read(`/proc/${pid}/cmdline`).includes(this.#folder));
    const mounts = pids.flatMap((pid) => read(`/proc/${pid}/mountinfo`).split('\n'));
    return [
      ...processes.map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')),
      ...new Set(mounts.filter((line) => line.includes(this.#folder))),
      ...readdirSync(this.#folder),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.devfarm('down');
    await this.#leave();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended this moment
  }
}
