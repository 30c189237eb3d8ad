import type {
  Login,
  OpenOptions,
  RemoteMachines,
  RemoteSession,
  RunOptions,
  RunResult,
} from '../../src/provider/remote-machine.ts';
import { RemoteError } from '../../src/provider/remote-machine.ts';

/** What a command does on a machine; undefined: it succeeds without a word. */
export type CommandScript = (
  command: string,
  options: RunOptions,
  signal: AbortSignal,
) => RunResult | Promise<RunResult> | undefined;

/** Machines in memory: who may log in, and what was done there. */
export class ScriptedMachines implements RemoteMachines {
  /** Users whom every machine lets in. */
  users: readonly string[] = ['root'];
  run: CommandScript = () => undefined;
  readonly logins: (Login & OpenOptions)[] = [];
  readonly commands: string[] = [];
  readonly copies: { readonly local: string; readonly remote: string }[] = [];
  openSessions = 0;

  /** The command with `part` in it runs until it is aborted; resolves when it does run. */
  hangAt(part: string): Promise<void> {
    return new Promise((running) => {
      this.run = (command, _options, signal) => {
        if (!command.includes(part)) return undefined;
        running();
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        });
      };
    });
  }

  async open(login: Login, options: OpenOptions, signal: AbortSignal): Promise<RemoteSession> {
    signal.throwIfAborted();
    this.logins.push({ ...login, ...options });
    await Promise.resolve();
    const username = [login.username, ...(options.otherUsernames ?? [])].find((user) => this.users.includes(user));
    if (username === undefined) throw new RemoteError('authentication', 'All users were refused');
    this.openSessions += 1;
    return {
      username,
      hostKey: 'sha256:HOSTKEY',
      run: async (command, runOptions, inner) => {
        this.commands.push(command);
        inner.throwIfAborted();
        return (await this.run(command, runOptions, inner)) ?? { status: 0, signal: undefined, tail: '' };
      },
      writeFile: () => Promise.reject(new Error('No file is written here')),
      copyFolder: (local, remote) => {
        this.copies.push({ local, remote });
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => {
        this.openSessions -= 1;
        return Promise.resolve();
      },
    };
  }
}
