import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

type Reply = { readonly id: number; readonly result?: unknown; readonly error?: string };

/**
 * A program of the bench's own in a process of its own, so that its CPU time is not counted. It ends with us, however we
 * end, for it ends when its channel is closed.
 */
export class ChildProgram<Ready> implements AsyncDisposable {
  /** What it told when it was ready. */
  readonly ready: Ready;
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
    child.on('message', (message) => {
      const reply = message as Reply; // what `serveParent` sends
      this.#asked.get(reply.id)?.(reply);
      this.#asked.delete(reply.id);
    });
  }

  /** Starts `bench/rig/NAME.ts` and waits until it is ready. */
  static async start<Ready>(name: string, options: unknown): Promise<ChildProgram<Ready>> {
    const words = [join('bench', 'rig', `${name}.ts`), JSON.stringify(options)];
    const child = fork(join('scripts', 'run-ts.js'), words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`The bench's program "${name}" ended before it was ready`);
    });
    ended.catch(() => undefined); // later ends are ours
    const [first] = (await Promise.race([once(child, 'message'), ended])) as unknown[];
    return new ChildProgram(child, (first as { readonly ready: Ready }).ready); // what `serveParent` sends
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has it do something, and gives what it says about it. */
  async ask<Result>(what: string, subject?: unknown): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    const reply = await new Promise<Reply>((resolve) => {
      this.#asked.set(id, resolve);
      this.#child.send({ id, what, subject });
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.result as Result; // the caller knows what it asks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
