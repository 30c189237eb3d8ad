import type { Credential, Login, OpenOptions, RemoteSession } from '../../src/provider/remote-machine.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { SshMachines } from '../../src/ssh/ssh-machines.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';
import { RetryClock } from './retry-clock.ts';
import { ScriptedSshServer, type SshScript } from './scripted-ssh-server.ts';

export const PAIR = makeSshKeyPair();
export const KEY: Credential = { kind: 'key', privateKey: new Secret(PAIR.private) };

/** Our SSH client beside a scripted server. */
export class SshBench implements AsyncDisposable {
  readonly clock = new RetryClock();
  readonly log = new RecordingLogger();
  #server: ScriptedSshServer | undefined;

  /** The server that `serve` started. */
  get server(): ScriptedSshServer {
    if (this.#server === undefined) throw new Error('No server is started yet');
    return this.#server;
  }

  async serve(script: SshScript = {}): Promise<void> {
    this.#server = await ScriptedSshServer.start(script);
  }

  /** Logs in to the server as root with `KEY`, for one minute at most. */
  open(login: Partial<Login> = {}, options: Partial<OpenOptions> = {}, on: Clock = this.clock): Promise<RemoteSession> {
    return new SshMachines({ clock: on, log: this.log, tasks: new TaskBoard(on) }).open(
      { host: '127.0.0.1', port: this.server.port, username: 'root', credentials: [KEY], ...login },
      { timeoutMs: 60_000, ...options },
      neverAborted,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}
