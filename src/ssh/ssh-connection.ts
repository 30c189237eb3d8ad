import { connect, type Socket } from 'node:net';
import ssh2, { type AnyAuthMethod, type ClientChannel, type SFTPWrapper } from 'ssh2';
import { type Login, RemoteError } from '../provider/remote-machine.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { asError } from '../runtime/errors.ts';
import { classifySshFailure } from './classify-ssh-failure.ts';
import { hostKeyFingerprint } from './host-key-fingerprint.ts';
import type { LoginMethod } from './read-credential.ts';

/** A silent peer is given up after this times KEEPALIVE_MISSES: scripts may run for hours without a word. */
const KEEPALIVE_MS = 15_000;
const KEEPALIVE_MISSES = 4;
const CLOSE_MS = 2_000;

export type SshPeer = Pick<Login, 'host' | 'port' | 'username' | 'hostKey'>;

export type ExecOptions = { readonly pty: boolean };

type Opened<T> = (...outcome: [error: Error] | [error: undefined, opened: T | Promise<T>]) => void;

/** One connection to one SSH server, from the first packet to its end. Whoever makes it must `close` or `destroy` it. */
export class SshConnection {
  readonly #peer: SshPeer;
  readonly #client = new ssh2.Client();
  #socket: Socket | undefined;
  #hostKey: string | undefined;
  #failure: Error | undefined;
  #closed = false;

  constructor(peer: SshPeer) {
    this.#peer = peer;
    // For the whole life: an error without a listener would end the process, and one connection may report several.
    this.#client.on('error', (error) => {
      this.#failure ??= error;
    });
    this.#client.on('close', () => {
      this.#closed = true;
    });
  }

  /** `USER@HOST:PORT`, for messages. */
  get where(): string {
    const { username, host, port = 22 } = this.#peer;
    return `${username}@${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** `sha256:BASE64`; empty before the login. */
  get hostKey(): string {
    return this.#hostKey ?? '';
  }

  /** Why the connection broke, as far as known. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Opens the TCP connection.
   * @throws {RemoteError} `connection`
   */
  async connect(): Promise<void> {
    const { host, port = 22 } = this.#peer;
    await new Promise<void>((resolve, reject) => {
      this.#socket = connect({ host, port, noDelay: true, keepAlive: true }, resolve);
      // Stays, like the client's: between here and the login nobody else listens.
      this.#socket.on('error', (error) => {
        reject(classifySshFailure(this.where, error));
      });
      this.#socket.on('close', () => {
        reject(this.#broken());
      });
    });
  }

  /**
   * Shakes hands, checks the host key and tries the methods in turn.
   * @throws {RemoteError} `host-key`, `authentication` or `connection`
   */
  async logIn(methods: readonly LoginMethod[]): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) throw this.#broken();
    await new Promise<void>((resolve, reject) => {
      this.#client.once('ready', resolve);
      this.#client.on('error', (error) => {
        reject(this.#changedHostKey() ?? classifySshFailure(this.where, error));
      });
      this.#client.on('close', () => {
        reject(this.#broken());
      });
      this.#client.connect({
        sock: socket,
        username: this.#peer.username,
        authHandler: methods.flatMap((method) => authMethods(this.#peer.username, method)),
        hostVerifier: (key: Buffer) => this.#accept(key),
        readyTimeout: 0, // the caller's deadline bounds the login, by the program's clock
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: KEEPALIVE_MISSES,
      });
    });
  }

  /**
   * Starts a command and gives what `follow` gives.
   * @throws {RemoteError} `connection`: it broke, or the server allows no more channels
   */
  async exec<T>(command: string, options: ExecOptions, follow: (channel: ClientChannel) => Promise<T>): Promise<T> {
    return await this.#open<T>((done) => {
      this.#client.exec(command, { pty: options.pty }, (error, channel) => {
        // At once: a short command's end may stand in the same packet, and its event would find no listener.
        if (error === undefined) done(undefined, follow(channel));
        else done(error);
      });
    });
  }

  /** @throws {RemoteError} `connection`: it broke, or the server has no SFTP */
  async sftp(): Promise<SFTPWrapper> {
    return await this.#open<SFTPWrapper>((done) => {
      this.#client.sftp((error, sftp) => {
        if (error !== undefined) {
          done(error);
          return;
        }
        sftp.on('error', (failure: Error) => {
          this.#failure ??= failure;
        });
        done(undefined, sftp);
      });
    });
  }

  /** Says goodbye and waits until the connection is gone, but not for long. */
  async close(clock: Clock): Promise<void> {
    if (this.#closed || this.#socket === undefined) return;
    const gone = new Promise<void>((resolve) => {
      this.#client.once('close', resolve);
    });
    this.#client.end();
    const deadline = { what: `${this.where} to close the connection`, ms: CLOSE_MS };
    await withDeadline(deadline, { clock }, () => gone).catch(() => undefined); // it is destroyed in either case
    this.destroy();
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#socket?.destroy();
  }

  async #open<T>(start: (done: Opened<T>) => void): Promise<T> {
    if (this.#closed) throw this.#broken();
    return await new Promise<T>((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(classifySshFailure(this.where, this.#failure ?? error));
      };
      try {
        start((...[error, opened]) => {
          if (error === undefined) resolve(opened);
          else fail(error);
        });
      } catch (error) {
        fail(error); // ssh2 throws when the connection is gone
      }
    });
  }

  #accept(key: Buffer): boolean {
    this.#hostKey = hostKeyFingerprint(key);
    return this.#changedHostKey() === undefined;
  }

  #changedHostKey(): RemoteError | undefined {
    const known = this.#peer.hostKey;
    if (known === undefined || this.#hostKey === undefined || this.#hostKey === known) return undefined;
    const keys = `known is "${known}", it showed "${this.#hostKey}"`;
    return new RemoteError('host-key', `Host key of ${this.where} changed: ${keys}`);
  }

  #broken(): RemoteError {
    const failure = asError(this.#failure ?? new Error('the machine closed the connection'));
    return classifySshFailure(this.where, failure);
  }
}

function authMethods(username: string, method: LoginMethod): AnyAuthMethod[] {
  if (method.kind === 'key') return [{ type: 'publickey', username, key: method.privateKey.reveal() }];
  const password = method.password.reveal();
  return [
    { type: 'password', username, password },
    // Servers with PAM may take passwords only as the answer to a question.
    {
      type: 'keyboard-interactive',
      username,
      prompt: (...[, , , prompts, finish]) => {
        finish(prompts.map(() => password));
      },
    },
  ];
}
