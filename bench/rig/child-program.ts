import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

type Reply = { readonly id: number; readonly result?: unknown; readonly error?: string };

export type ChildOptions = {
  /** What the program reads with `optionsFromParent`. */
  readonly options: unknown;
  /** The built program, where the time or memory of building it would count. Default: built as it starts. */
  readonly builtPath?: string;
};

/** Flags of Node that the built programs are started with. */
function programFlags(): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(readFileSync(join('scripts', 'program-flags.json'), 'utf8')));
}

/**
 * A program of the bench's own in a process of its own, so that its CPU time is not counted. It ends with us, however we
 * end, for it ends when its channel is closed.
 */
export class ChildProgram<Ready> implements AsyncDisposable {
  /** What it told when it was ready. */
  readonly ready: Ready;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #asked = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  private constructor(name: string, running: { child: ChildProcess; ready: Ready }, signal: AbortSignal) {
    this.#name = name;
    this.#child = running.child;
    this.#signal = signal;
    this.ready = running.ready;
    running.child.on('message', (message) => {
      const reply = message as Reply; // what `serveParent` sends
      this.#asked.get(reply.id)?.(reply);
    });
    running.child.once('exit', () => {
      for (const [id, answer] of this.#asked) answer({ id, error: `The bench's program "${name}" ended` });
    });
  }

  /** Starts `bench/rig/NAME.ts` and waits until it is ready. Aborting `signal` ends every wait for it. */
  static async start<Ready>(
    name: string,
    { options, builtPath }: ChildOptions,
    signal: AbortSignal,
  ): Promise<ChildProgram<Ready>> {
    signal.throwIfAborted();
    const words = [...(builtPath === undefined ? [join('bench', 'rig', `${name}.ts`)] : []), JSON.stringify(options)];
    const program = builtPath ?? join('scripts', 'run-ts.js');
    const execArgv = builtPath === undefined ? [] : programFlags();
    const child = fork(program, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [...execArgv] });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`The bench's program "${name}" ended before it was ready`);
    });
    ended.catch(() => undefined); // later ends are ours
    const [first] = (await Promise.race([once(child, 'message'), ended])) as unknown[];
    const { ready } = first as { readonly ready: Ready }; // what `serveParent` sends
    return new ChildProgram(name, { child, ready }, signal);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has it do something, and gives what it says about it. */
  async ask<Result>(what: string, subject?: unknown): Promise<Result> {
    this.#signal.throwIfAborted();
    this.#lastId += 1;
    const id = this.#lastId;
    const reply = await this.#replyTo({ id, what, subject });
    if (reply.error !== undefined) throw new Error(`${this.#name}: ${reply.error}`);
    return reply.result as Result; // the caller knows what it asks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  async #replyTo(question: { readonly id: number; readonly what: string; readonly subject?: unknown }): Promise<Reply> {
    const { id } = question;
    const giveUp = (): void => {
      this.#asked.get(id)?.({ id, error: 'The bench was interrupted' });
    };
    this.#signal.addEventListener('abort', giveUp);
    try {
      return await new Promise<Reply>((resolve) => {
        this.#asked.set(id, resolve);
        this.#child.send(question);
      });
    } finally {
      this.#asked.delete(id);
      this.#signal.removeEventListener('abort', giveUp);
    }
  }
}
