import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import { hostKeyFingerprint } from '../../src/ssh/host-key-fingerprint.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';

export type SshScript = {
  /** Gets each TCP connection first; false: it dealt with it. */
  readonly onSocket?: (socket: Socket, count: number) => boolean;
  /** Whether an attempt to log in succeeds. Default: every one. */
  readonly accept?: (attempt: AuthContext) => boolean;
  /** Default: answers `echo access okay`, and others with status 0. */
  readonly onExec?: (command: string, channel: ServerChannel) => void;
};

const HOST_KEY = makeSshKeyPair().private;

/** An SSH server on a loopback port that behaves as badly as a test wants. */
export class ScriptedSshServer implements AsyncDisposable {
  /** User and method of each attempt. */
  readonly attempts: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #script: SshScript;
  readonly listener: Server;
  readonly #ssh: ssh2.Server;
  #count = 0;

  private constructor(script: SshScript) {
    this.#script = script;
    this.#ssh = new ssh2.Server({ hostKeys: [HOST_KEY] }, (connection) => {
      this.#serve(connection);
    });
    this.listener = createServer({ noDelay: true }, (socket) => {
      this.#take(socket);
    });
  }

  static async start(script: SshScript = {}): Promise<ScriptedSshServer> {
    const server = new ScriptedSshServer(script);
    server.listener.listen(0, '127.0.0.1');
    await once(server.listener, 'listening');
    return server;
  }

  get port(): number {
    const address = this.listener.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get connections(): number {
    return this.#count;
  }

  get hostKey(): string {
    const key = ssh2.utils.parseKey(HOST_KEY);
    if (key instanceof Error) throw key;
    return hostKeyFingerprint(key.getPublicSSH());
  }

  /** Resolves when no client is connected. */
  async untilDeserted(): Promise<void> {
    await Promise.all([...this.sockets].map((socket) => once(socket, 'close')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.listener, 'close');
    this.listener.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  #take(socket: Socket): void {
    this.#count += 1;
    this.sockets.add(socket);
    socket.on('error', () => undefined); // the client may reset
    socket.on('close', () => {
      this.sockets.delete(socket);
    });
    if (this.#script.onSocket?.(socket, this.#count) === false) return;
    this.#ssh.injectSocket(socket);
  }

  #serve(connection: Connection): void {
    connection.on('error', () => undefined);
    connection.on('authentication', (attempt) => {
      const name = `${attempt.username} ${attempt.method}`;
      if (this.attempts.at(-1) !== name) this.attempts.push(name); // a key is first offered, then used to sign
      if (this.#script.accept?.(attempt) ?? true) attempt.accept();
      else if (attempt.method !== 'keyboard-interactive') attempt.reject();
    });
    connection.on('session', (acceptSession) => {
      const session = acceptSession();
      session.on('pty', (accept) => {
        accept();
      });
      session.on('exec', (accept, _reject, { command }) => {
        (this.#script.onExec ?? answer)(command, accept());
      });
    });
  }
}

/** What a healthy machine says. */
export function answer(command: string, channel: ServerChannel): void {
  if (command === 'echo access okay') channel.write('access okay\r\n');
  channel.exit(0);
  channel.end();
}
