import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { LoggedProcess, PATIENCE_MS } from './logged-process.ts';

export type DaemonOptions = {
  /** Default true. */
  readonly untilRunning?: boolean;
  /** The state directory is a file system of its own of that size, which only this daemon sees. */
  readonly stateSize?: string;
  /** More words of the command line. */
  readonly flags?: readonly string[];
  /** Words before the program: what it runs in. */
  readonly within?: readonly string[];
};

/** What a command printed and how it ended. */
export type Said = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

export type ProgramsOptions = {
  /** Holds nodepool.yaml and secure.conf. */
  readonly folder: string;
  readonly stateDir: string;
  /** The public key that setup scripts get. */
  readonly publicKey: string;
  /** Called after each line that a daemon prints, and after its end. */
  readonly onChange: () => void;
};

/** The built programs, run as an operator of the farm runs them. */
export class FarmPrograms {
  readonly #options: ProgramsOptions;
  readonly #daemons: LoggedProcess[] = [];

  constructor(options: ProgramsOptions) {
    this.#options = options;
  }

  /** Starts a daemon; by default waits until it runs. */
  async startDaemon(options: DaemonOptions = {}): Promise<LoggedProcess> {
    const { untilRunning = true, stateSize, flags = [], within = [] } = options;
    const disk = stateSize === undefined ? [] : withSmallDisk(this.#options.stateDir, stateSize);
    const words = [...disk, ...within, ...this.#words('nodepoold', ['-d', ...flags])];
    const daemon = new LoggedProcess(words, { env: this.#environment, cwd: this.#options.folder });
    this.#daemons.push(daemon);
    daemon.onChange(this.#options.onChange);
    if (untilRunning) await daemon.logged(/Nodepool is running/);
    return daemon;
  }

  /** Runs the command line. */
  async nodepool(...words: readonly string[]): Promise<Said> {
    return await this.#run('nodepool', words);
  }

  /** Lets the daemon's program look at its setup. */
  async checkSetup(): Promise<Said> {
    return await this.#run('nodepoold', ['--check']);
  }

  async #run(name: string, words: readonly string[]): Promise<Said> {
    const [program = '', ...args] = this.#words(name, words);
    const options = { env: this.#environment, extendEnv: false, cwd: this.#options.folder, reject: false } as const;
    const {
      exitCode = -1,
      stdout,
      stderr,
    } = await execa(program, args, {
      ...options,
      timeout: PATIENCE_MS,
      stdin: 'ignore',
    });
    return { exitCode, stdout, stderr };
  }

  /** The last lines of the daemon that was started last, for messages. */
  tail(): string {
    return this.#daemons.at(-1)?.tail() ?? 'no daemon';
  }

  async killDaemons(): Promise<void> {
    for (const daemon of this.#daemons) await daemon.kill();
  }

  #words(program: string, words: readonly string[]): readonly string[] {
    const [config, secure] = ['nodepool.yaml', 'secure.conf'].map((name) => join(this.#options.folder, name));
    return [join(inject('programs'), program), '-c', config ?? '', '-s', secure ?? '', ...words];
  }

  /** Nothing of the account that runs the tests: no keys, no clouds.yaml. */
  get #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.#options.folder,
      NODEPOOL_STATE_DIR: this.#options.stateDir,
      NODEPOOL_SSH_KEY: this.#options.publicKey,
    };
  }
}

/** The words that run a command with a small file system at `folder`. It goes with the command. */
function withSmallDisk(folder: string, size: string): readonly string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user', '--map-auto'];
  const script = 'mkdir -p "$1"; mount -t tmpfs -o "size=$2" tmpfs "$1"; shift 2; exec "$@"';
  return ['unshare', ...user, '--mount', '--', 'sh', '-ec', script, 'small', folder, size];
}
