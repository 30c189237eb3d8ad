import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const RUNNING = 'Nodepool is running';

/** `nodepoold` as an operator starts it in the foreground; told to end, and waited for, when disposed. */
export class RunningDaemon implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts the built program and waits until it runs. */
  static async start(program: string, configPath: string, signal: AbortSignal): Promise<RunningDaemon> {
    signal.throwIfAborted();
    const child = spawn(program, ['-c', configPath, '-d'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const daemon = new RunningDaemon(child);
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
    await ended;
  }

  async #untilRunning(signal: AbortSignal): Promise<void> {
    let said = '';
    const running = new Promise<void>((resolve) => {
      this.#child.stderr?.on('data', (chunk: Buffer) => {
        process.stderr.write(chunk); // to the topic's log
        if (said.includes(RUNNING)) return;
        said += chunk.toString();
        if (said.includes(RUNNING)) resolve();
      });
    });
    const ended = once(this.#child, 'exit', { signal }).then(() => {
      throw new Error('nodepoold ended before it ran');
    });
    await Promise.race([running, ended]);
    ended.catch(() => undefined); // later ends are ours
  }
}
