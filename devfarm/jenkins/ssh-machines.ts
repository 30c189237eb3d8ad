import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import ssh2, { type ClientChannel } from 'ssh2';
import { asError } from '../../src/runtime/errors.ts';
import {
  type AgentChannel,
  type AgentLogin,
  type AgentMachines,
  type BuildCommand,
  LoginRefusedError,
} from './agent-machines.ts';

const LOGIN_TIMEOUT_MS = 60_000;
/** A machine that is gone is noticed after three of these. */
const KEEP_ALIVE_MS = 5_000;
/** How often and how long a step that was told to end is looked at before it is made to. */
const KILL_LOOKS = 20;
const KILL_LOOK_SECONDS = 0.1;

/** Real machines by SSH. Host keys are not verified, as the strategy that Nodepool sends says. */
export class SshMachines implements AgentMachines {
  async connect({ host, port, credential }: AgentLogin, signal: AbortSignal): Promise<AgentChannel> {
    const privateKey = await readFile(credential.privateKeyPath);
    signal.throwIfAborted();
    const client = new ssh2.Client();
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        client.destroy();
        reject(asError(signal.reason));
      };
      signal.addEventListener('abort', abort, { once: true });
      client.once('ready', resolve);
      client.once('error', (error) => {
        reject(error.level === 'client-authentication' ? new LoginRefusedError(error.message) : error);
      });
      client.once('close', () => {
        signal.removeEventListener('abort', abort);
        reject(new Error('The connection was closed'));
      });
      client.connect({
        host,
        port,
        username: credential.username,
        privateKey,
        readyTimeout: LOGIN_TIMEOUT_MS,
        keepaliveInterval: KEEP_ALIVE_MS,
      });
    });
    return new SshChannel(client);
  }
}

class SshChannel implements AgentChannel {
  readonly lost: Promise<void>;
  readonly #client: ssh2.Client;

  constructor(client: ssh2.Client) {
    this.#client = client;
    client.on('error', () => undefined); // `close` follows
    this.lost = new Promise((resolve) => client.once('close', resolve));
  }

  async run(command: BuildCommand, signal: AbortSignal): Promise<number> {
    const step = await this.#exec(commandLine(command), (stream) => new RunningStep(stream, command.onOutput));
    const end = (): void => {
      void this.#kill(step);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    try {
      return await step.status;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  close(): void {
    this.#client.end();
    this.#client.destroy();
  }

  /** By a command of its own: sshd forwards no signals for root. */
  async #kill(step: RunningStep): Promise<void> {
    const ended = (killing: ClientChannel): { readonly closed: Promise<unknown> } => {
      killing.resume().stderr.resume(); // it ends only when all that it prints was read
      return { closed: once(killing, 'close') };
    };
    const killing = await this.#exec(killLine(await step.group), ended).catch(() => undefined); // lost: then it is of no use
    if (killing === undefined) return;
    await killing.closed;
    // Only now: a step that cleans up and finds its output closed would die of that. And some process of another group
    // may still hold the output.
    step.stream.close();
  }

  /** `follow` is called at once: a step's end may have come with its beginning, and would find no listener later. */
  #exec<T extends object>(line: string, follow: (stream: ClientChannel) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#client.exec(line, (error, stream) => {
        if (error === undefined) resolve(follow(stream));
        else reject(error);
      });
      this.#client.once('close', () => {
        reject(new Error('The connection was closed'));
      });
    });
  }
}

/** A step's output and end. Its first line is not its own: it tells the process group. */
class RunningStep {
  readonly stream: ClientChannel;
  /** Exit status; rejects if the connection broke. */
  readonly status: Promise<number>;
  readonly group: Promise<string>;

  constructor(stream: ClientChannel, onOutput: (text: string) => void) {
    this.stream = stream;
    this.group = new Promise((resolve) => {
      let head: string | undefined = '';
      stream.on('data', (bytes: Buffer) => {
        const text = bytes.toString();
        if (head === undefined) {
          onOutput(text);
          return;
        }
        head += text;
        const lineEnd = head.indexOf('\n');
        if (lineEnd === -1) return;
        resolve(head.slice(0, lineEnd).trim());
        if (head.length > lineEnd + 1) onOutput(head.slice(lineEnd + 1));
        head = undefined;
      });
    });
    stream.stderr.on('data', (bytes: Buffer) => {
      onOutput(bytes.toString());
    });
    this.status = untilClosed(stream);
    this.status.catch(() => undefined); // awaited later
  }
}

function untilClosed(stream: ClientChannel): Promise<number> {
  return new Promise((resolve, reject) => {
    let status: number | undefined;
    stream.once('exit', (code: number | null) => {
      status = code ?? 143; // ended by a signal
    });
    stream.once('close', () => {
      if (status === undefined) reject(new Error('The connection was closed'));
      else resolve(status);
    });
  });
}

/** As Jenkins runs a shell step: `sh -xe` in the workspace. */
function commandLine({ script, environment, folder }: BuildCommand): string {
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}`);
  return [
    'echo $$',
    ...exports,
    `mkdir -p ${quote(folder)}`,
    `cd ${quote(folder)}`,
    `exec /bin/sh -xe -c ${quote(script)}`,
  ].join(' && ');
}

/** Ends a process group, by force if it does not end by itself. */
function killLine(group: string): string {
  const look = `kill -0 -- -${group} || exit 0; sleep ${KILL_LOOK_SECONDS}`;
  return `exec 2>/dev/null; kill -TERM -- -${group}; for look in $(seq ${KILL_LOOKS}); do ${look}; done; kill -KILL -- -${group}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
