import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock, withDeadline } from '../../src/runtime/clock.ts';
import { asError, DeadlineExceededError } from '../../src/runtime/errors.ts';

/** How long anything that is awaited here may take, on a machine that has much else to do. */
export const PATIENCE_MS = 90_000;

export type ProcessOptions = { readonly env: NodeJS.ProcessEnv; readonly cwd: string };

/** A program that runs, all lines that it printed, and its end. Killed with the test run, if not before. */
export class LoggedProcess {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  readonly #kill = (): void => void this.#child.kill('SIGKILL');
  #end: string | undefined;

  constructor(words: readonly string[], options: ProcessOptions) {
    const [program = 'false', ...args] = words;
    this.#child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    process.once('exit', this.#kill);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) throw new Error('The streams are pipes');
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        this.#ring();
      });
    }
    this.#child.once('error', (error) => {
      this.#finish(error.message);
    });
    this.#child.once('close', (status, signal) => {
      this.#finish(signal ?? `status ${status ?? 'unknown'}`);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Calls back after each line and after the end; gives what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** A place in the output, for `logged` to begin at. */
  mark(): number {
    return this.lines.length;
  }

  /** The first line from `since` on that matches, now or later. @throws {Error} the program ended, or it takes too long */
  async logged(pattern: RegExp, since = 0): Promise<string> {
    const find = (): string | undefined => this.lines.slice(since).find((line) => pattern.test(line));
    return await this.#await(`${String(pattern)} in the log`, () => {
      const line = find();
      if (line === undefined && this.#end !== undefined) throw this.#failure(`Ended before ${String(pattern)}`);
      return line;
    });
  }

  /** How it ended: `status 0`, or the signal's name. */
  async ended(): Promise<string> {
    return await this.#await('the end of the program', () => this.#end);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended();
  }

  /** The last lines, for messages. */
  tail(): string {
    return this.lines.slice(-25).join('\n');
  }

  async #await<T>(what: string, look: () => T | undefined): Promise<T> {
    const stop = new AbortController();
    const wait = new Promise<T>((resolve, reject) => {
      const check = (): void => {
        try {
          const found = look();
          if (found !== undefined) resolve(found);
        } catch (error) {
          reject(asError(error));
        }
      };
      stop.signal.addEventListener('abort', this.onChange(check));
      check();
    });
    try {
      return await withDeadline({ what, ms: PATIENCE_MS }, { clock: systemClock }, () => wait);
    } catch (error) {
      throw error instanceof DeadlineExceededError ? this.#failure(error.message) : error;
    } finally {
      stop.abort();
    }
  }

  #finish(end: string): void {
    process.off('exit', this.#kill);
    this.#end = end;
    this.#ring();
  }

  #ring(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #failure(message: string): Error {
    return new Error(`${message}\n--- log${this.#end === undefined ? '' : `, ended by ${this.#end}`}\n${this.tail()}`);
  }
}
