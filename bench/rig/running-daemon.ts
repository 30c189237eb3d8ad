import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** What they say once they run. */
const SAYS = { nodepoold: 'Nodepool is running', 'nodepool-builder': 'The image builder is running' } as const;

export type StartedDaemon = {
  readonly name: keyof typeof SAYS;
  /** Path of the built program. */
  readonly program: string;
  readonly configPath: string;
};

/** A daemon as an operator starts it in the foreground; told to end, and waited for, when disposed. */
export class RunningDaemon implements AsyncDisposable {
  readonly #child: ChildProcess;

  readonly #name: StartedDaemon['name'];

  private constructor(name: StartedDaemon['name'], child: ChildProcess) {
    this.#name = name;
    this.#child = child;
  }

  /** Starts the built program and waits until it runs. */
  static async start({ name, program, configPath }: StartedDaemon, signal: AbortSignal): Promise<RunningDaemon> {
    signal.throwIfAborted();
    const child = spawn(program, ['-c', configPath, '-d'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const daemon = new RunningDaemon(name, child);
    try {
      await daemon.#untilRunning(signal);
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    // A builder would wait for the work at hand; a second signal ends it.
    if (this.#name === 'nodepool-builder') this.#child.kill('SIGINT');
    await ended;
  }

  async #untilRunning(signal: AbortSignal): Promise<void> {
    const text = SAYS[this.#name];
    let said = '';
    const running = new Promise<void>((resolve) => {
      this.#child.stderr?.on('data', (chunk: Buffer) => {
        process.stderr.write(chunk); // to the topic's log
        if (said.includes(text)) return;
        said += chunk.toString();
        if (said.includes(text)) resolve();
      });
    });
    const ended = once(this.#child, 'exit', { signal }).then(() => {
      throw new Error(`${this.#name} ended before it ran`);
    });
    await Promise.race([running, ended]);
    ended.catch(() => undefined); // later ends are ours
  }
}
