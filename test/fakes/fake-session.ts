import { RemoteError, type RemoteSession, type RunOptions, type RunResult } from '../../src/provider/remote-machine.ts';
import { type Clock, withDeadline } from '../../src/runtime/clock.ts';
import type { FakeMachine, ScriptedResult } from './fake-machines.ts';

/** A session on a FakeMachine. */
export class FakeSession implements RemoteSession {
  readonly username: string;
  readonly hostKey: string;
  readonly #machine: FakeMachine;
  readonly #clock: Clock;
  #open = true;

  constructor(username: string, machine: FakeMachine, clock: Clock) {
    this.username = username;
    this.hostKey = machine.hostKey;
    this.#machine = machine;
    this.#clock = clock;
    machine.openSessions += 1;
  }

  async run(command: string, options: RunOptions, signal: AbortSignal): Promise<RunResult> {
    await this.#turn(signal);
    this.#machine.commands.push(command);
    const result = this.#resultOf(command);
    if (result.breaks === true) throw new RemoteError('connection', `The connection broke during ${options.name}`);
    if (result.hangs === true) await this.#hang(options, signal);
    for (const line of result.lines ?? []) options.onLine?.(line);
    const status = result.signal === undefined ? (result.status ?? 0) : undefined;
    return { status, signal: result.signal, tail: (result.lines ?? []).join('\n') };
  }

  // eslint-disable-next-line max-params -- the signature of RemoteSession
  async writeFile(
    path: string,
    content: string | Uint8Array,
    options: { readonly mode?: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#turn(signal);
    if (path.startsWith('/etc/nodepool/') && !this.#machine.hasNodeFolder) {
      throw new RemoteError('file', `Cannot write "${path}": no such file`);
    }
    this.#machine.modes.set(path, options.mode);
    this.#machine.files.set(path, typeof content === 'string' ? content : Buffer.from(content).toString('utf8'));
  }

  async copyFolder(local: string, remote: string, signal: AbortSignal): Promise<void> {
    await this.#turn(signal);
    this.#machine.copiedFolders.set(remote, local);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) this.#machine.openSessions -= 1;
    this.#open = false;
    return Promise.resolve();
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.resolve(); // no machine answers in the same turn
    if (!this.#open) throw new RemoteError('connection', 'The session is closed');
  }

  #resultOf(command: string): ScriptedResult {
    const scripted = [...this.#machine.results].find(([part]) => command.includes(part))?.[1];
    if (scripted !== undefined) return scripted;
    const isMissing = command === 'ls /etc/nodepool' && !this.#machine.hasNodeFolder;
    return isMissing ? { status: 2, lines: ["ls: cannot access '/etc/nodepool'"] } : {};
  }

  async #hang({ name, timeoutMs }: RunOptions, signal: AbortSignal): Promise<void> {
    await withDeadline({ what: name, ms: timeoutMs }, { clock: this.#clock, signal }, async (inner) => {
      await new Promise((_, reject) => {
        inner.addEventListener('abort', () => {
          reject(inner.reason as Error);
        });
      });
    });
  }
}
