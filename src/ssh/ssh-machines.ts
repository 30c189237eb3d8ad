/** SSH: opens sessions on machines that are still booting, runs commands and writes files there. */
import {
  type Credential,
  type Login,
  type OpenOptions,
  RemoteError,
  type RemoteMachines,
  type RemoteSession,
} from '../provider/remote-machine.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { DeadlineExceededError, describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { type LoginMethod, readCredential } from './read-credential.ts';
import { SshConnection, type SshPeer } from './ssh-connection.ts';
import { SshSession } from './ssh-session.ts';
import { proveLogin } from './prove-login.ts';

/** Between two tries. Slow, for sshd shuts out an address that knocks too often (OpenSSH 9.8: PerSourcePenalties). */
const RETRY_MS = 2_000;
/** A refused connection never reached an sshd, so it may be tried sooner: a machine answers seconds earlier. */
const REFUSED_RETRY_MS = 500;
/** While a machine boots, packets to it may vanish: a new try gets through earlier than an old one. */
const CONNECT_MS = 10_000;
const LOGIN_MS = 30_000;
const OTHER_USER_MS = 10_000;

export type SshMachinesDeps = { readonly clock: Clock; readonly log: Logger; readonly tasks: TaskBoard };

export class SshMachines implements RemoteMachines {
  readonly #deps: SshMachinesDeps;
  /** Key files that were complained about: once each is enough. As many as the configuration names. */
  readonly #exposedFiles = new Set<string>();

  constructor(deps: SshMachinesDeps) {
    this.#deps = deps;
  }

  async open(login: Login, options: OpenOptions, signal: AbortSignal): Promise<RemoteSession> {
    const methods = await this.#readCredentials(login.credentials);
    using task = this.#deps.tasks.start(`SSH login at ${login.host}`);
    const users = [login.username, ...(options.otherUsernames ?? [])];
    const search = new LoginSearch(users, options, this.#deps.clock);
    for (;;) {
      const peer = { ...login, username: search.username };
      task.waitOn(`ssh of ${peer.username}@${login.host}`);
      try {
        return await tryLogin({ peer, methods, leftMs: search.leftMs }, this.#deps, signal);
      } catch (error) {
        signal.throwIfAborted();
        search.failed(error);
        this.#deps.log.debug(`No SSH login yet: ${describeError(error)}`);
      }
      await this.#deps.clock.sleep(search.pauseMs, signal);
      search.throwIfOver(`ssh access to ${login.username}@${login.host}`);
    }
  }

  /** @throws {RemoteError} `key`: none of them is usable */
  async #readCredentials(credentials: readonly Credential[]): Promise<LoginMethod[]> {
    const methods: LoginMethod[] = [];
    const faults: string[] = [];
    for (const credential of credentials) {
      try {
        methods.push(this.#warnIfExposed(await readCredential(credential)));
      } catch (error) {
        faults.push(describeError(error));
      }
    }
    if (methods.length === 0) {
      throw new RemoteError(
        'key',
        faults.length > 0 ? faults.join('; ') : 'Cannot log in: no key and no password is given',
      );
    }
    for (const fault of faults) this.#deps.log.warn(fault);
    return methods;
  }

  #warnIfExposed(method: LoginMethod): LoginMethod {
    const file = method.kind === 'key' ? method.exposedFile : undefined;
    if (file !== undefined && !this.#exposedFiles.has(file)) {
      this.#exposedFiles.add(file);
      this.#deps.log.warn(`Private key "${file}" is open to other users of this host: set its mode to 0600`);
    }
    return method;
  }
}

/** Which user to try next, and until when. */
class LoginSearch {
  readonly #users: readonly string[];
  readonly #options: OpenOptions;
  readonly #clock: Clock;
  readonly #startMs: number;
  #deadlineMs: number;
  #tries = 0;
  #answered = false;
  #lastError: unknown;

  constructor(users: readonly string[], options: OpenOptions, clock: Clock) {
    this.#users = users;
    this.#options = options;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#deadlineMs = this.#startMs + options.timeoutMs;
  }

  get username(): string {
    return this.#users[this.#tries % this.#users.length] ?? '';
  }

  /** Until the next try. */
  get pauseMs(): number {
    const cause = this.#lastError instanceof RemoteError ? this.#lastError.cause : undefined;
    const isRefused = cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
    return Math.min(isRefused ? REFUSED_RETRY_MS : RETRY_MS, this.leftMs);
  }

  get leftMs(): number {
    return Math.max(0, this.#deadlineMs - this.#clock.monotonicMs());
  }

  /**
   * Takes note of a failed try.
   * @throws `error` where another try cannot help
   */
  failed(error: unknown): void {
    const fault = error instanceof RemoteError ? error.fault : undefined;
    if (fault === 'host-key' || fault === 'key') throw error;
    // A try that our own deadline cut short says less than the one before.
    if (!(error instanceof DeadlineExceededError && this.leftMs <= 0)) this.#lastError = error;
    this.#lastError ??= error;
    if (fault === 'authentication') this.#nextUser();
  }

  throwIfOver(what: string): void {
    if (this.leftMs > 0) return;
    throw new DeadlineExceededError(what, this.#deadlineMs - this.#startMs, { cause: this.#lastError });
  }

  #nextUser(): void {
    this.#tries += 1;
    if (this.#answered) return;
    this.#answered = true;
    const othersMs = (this.#users.length - 1) * (this.#options.otherTimeoutMs ?? OTHER_USER_MS);
    this.#deadlineMs = Math.max(this.#deadlineMs, this.#clock.monotonicMs() + othersMs);
  }
}

type LoginTry = { readonly peer: SshPeer; readonly methods: readonly LoginMethod[]; readonly leftMs: number };

async function tryLogin(login: LoginTry, deps: SshMachinesDeps, signal: AbortSignal): Promise<SshSession> {
  const connection = new SshConnection(login.peer);
  const within = <T>(ms: number, what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline({ what: `${connection.where} to ${what}`, ms: Math.min(ms, login.leftMs) }, { ...deps, signal }, work);
  try {
    await within(CONNECT_MS, 'take a connection', () => connection.connect());
    return await within(LOGIN_MS, 'let us in', async (inner) => {
      await connection.logIn(login.methods);
      await proveLogin(connection, deps, inner);
      return new SshSession(login.peer.username, connection, deps);
    });
  } catch (error) {
    connection.destroy(); // here and not in the work: a deadline may pass just when the work is done
    throw error;
  }
}
