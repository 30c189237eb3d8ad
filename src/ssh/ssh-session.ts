import type { SFTPWrapper } from 'ssh2';
import { RemoteError, type RemoteSession, type RunOptions, type RunResult } from '../provider/remote-machine.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { describeError, isAbort } from '../runtime/errors.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { runOnChannel } from './run-on-channel.ts';
import { copyFolderOver, readRemoteFile, writeRemoteFile } from './sftp-files.ts';
import type { SshConnection } from './ssh-connection.ts';

const FILE_MS = 60_000;
const FOLDER_MS = 10 * 60_000;

export type SshSessionDeps = { readonly clock: Clock; readonly tasks: TaskBoard };

/** A logged-in connection. */
export class SshSession implements RemoteSession {
  readonly username: string;
  readonly hostKey: string;
  readonly #connection: SshConnection;
  readonly #deps: SshSessionDeps;
  #sftp: Promise<SFTPWrapper> | undefined;

  constructor(username: string, connection: SshConnection, deps: SshSessionDeps) {
    this.username = username;
    this.hostKey = connection.hostKey;
    this.#connection = connection;
    this.#deps = deps;
  }

  async run(command: string, options: RunOptions, signal: AbortSignal): Promise<RunResult> {
    const work = { what: options.name, ms: options.timeoutMs };
    return await this.#bounded(work, signal, async (inner) => {
      const pty = options.pty ?? false;
      const deps = { clock: this.#deps.clock, onLine: options.onLine ?? (() => undefined) };
      const result = await this.#connection.exec(command, { pty }, (channel) => {
        // Nobody types: a command that asks must see the end of its input. A terminal knows no such end.
        if (!pty) channel.end();
        return runOnChannel(channel, deps, inner);
      });
      if (result !== undefined) return result;
      const cause = this.#connection.failure;
      throw new RemoteError('connection', `Connection to ${this.#connection.where} broke during ${options.name}`, {
        cause,
      });
    });
  }

  // eslint-disable-next-line max-params -- the interface's signature
  async writeFile(
    path: string,
    content: string | Uint8Array,
    options: { readonly mode?: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#files({ what: `write "${path}"`, ms: FILE_MS }, signal, async (sftp) => {
      await writeRemoteFile(sftp, { path, mode: options.mode }, [Buffer.from(content)]);
    });
  }

  /**
   * The content of a file on the machine.
   * @throws {RemoteError} `file`: it cannot be read, or is larger than `maxBytes`
   */
  async readFile(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
    return await this.#files({ what: `read "${path}"`, ms: FILE_MS }, signal, (sftp) =>
      readRemoteFile(sftp, path, maxBytes),
    );
  }

  async copyFolder(local: string, remote: string, signal: AbortSignal): Promise<void> {
    const work = { what: `copy "${local}" to "${remote}"`, ms: FOLDER_MS };
    await this.#files(work, signal, (sftp, inner) => copyFolderOver(sftp, { local, remote }, inner));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close(this.#deps.clock);
  }

  async #files<T>(
    work: { readonly what: string; readonly ms: number },
    signal: AbortSignal,
    act: (sftp: SFTPWrapper, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return await this.#bounded(work, signal, async (inner) => {
      this.#sftp ??= this.#connection.sftp();
      const sftp = await this.#sftp;
      try {
        return await act(sftp, inner);
      } catch (error) {
        if (isAbort(error, inner)) throw error;
        const broken = this.#connection.failure;
        const message = `Cannot ${work.what} on ${this.#connection.where}: ${describeError(broken ?? error)}`;
        throw new RemoteError(broken === undefined ? 'file' : 'connection', message, { cause: error });
      }
    });
  }

  async #bounded<T>(
    work: { readonly what: string; readonly ms: number },
    signal: AbortSignal,
    act: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { where } = this.#connection;
    using task = this.#deps.tasks.start(`SSH ${where}: ${work.what}`);
    task.waitOn(where);
    return await withDeadline({ what: `${where}: ${work.what}`, ms: work.ms }, { ...this.#deps, signal }, act);
  }
}
