import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import type { LogLevel } from '../logger.ts';
import type { LogSink } from './log-sink.ts';
import type { SyslogAddress, SyslogSettings } from './syslog-address.ts';

/** RFC 5424, section 6.2.1. */
const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };
/** A datagram takes no more; and no syslog keeps it. */
const MAX_CHARS = 8_000;
/** What waits for an address or for a slow reader; lines beyond that are lost. */
const MAX_WAITING_LINES = 1_000;
const MAX_WAITING_BYTES = 1024 * 1024;
/** A syslog that is away is not looked for with each line. */
const RETRY_MS = 30_000;

type Wire = { send(text: string): void; close(): void };

/**
 * Lines for a syslog. Unlike files it loses lines where the syslog is away or slow: a log line must not hold the daemon.
 * Never throws after it is made.
 */
export class SyslogSink implements LogSink {
  readonly #settings: SyslogSettings;
  #wire: Wire | undefined;
  #retryAtMs = 0;

  /** @throws {Error} there is no such socket on this machine */
  constructor(settings: SyslogSettings) {
    const { address } = settings;
    if (address.kind === 'unix' && !existsSync(address.path)) throw new Error(`there is no socket "${address.path}"`);
    this.#settings = settings;
  }

  write(line: string, at: Date, level: LogLevel): void {
    if (at.getTime() < this.#retryAtMs) return;
    const { address, facility } = this.#settings;
    const lost = (): void => {
      this.#wire = undefined;
      this.#retryAtMs = at.getTime() + RETRY_MS;
    };
    this.#wire ??= open(address, lost);
    this.#wire.send(`<${facility * 8 + SEVERITY[level]}>${line.slice(0, MAX_CHARS)}`);
  }

  reopen(): void {
    this.#wire?.close();
    this.#wire = undefined;
    this.#retryAtMs = 0;
  }
}

function open(address: SyslogAddress, lost: () => void): Wire {
  return address.kind === 'udp' ? new UdpWire(address, lost) : new LoggerProgram(address.path, lost);
}

/** Python ends each message with a zero byte. */
class UdpWire implements Wire {
  readonly #socket: Socket;
  /** Undefined: the name is resolved, nothing waits. */
  #waiting: string[] | undefined = [];

  constructor({ host, port }: Extract<SyslogAddress, { kind: 'udp' }>, lost: () => void) {
    this.#socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    this.#socket.unref();
    this.#socket.on('error', () => undefined); // nobody listens at the moment
    // Connected once, for a name that is looked up with each line can hold all of the program's file work.
    this.#socket.connect(port, host, (error?: Error) => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      if (error === undefined) for (const text of waiting) this.send(text);
      else {
        this.close();
        lost();
      }
    });
  }

  send(text: string): void {
    if (this.#waiting === undefined) this.#socket.send(`${text}\0`, () => undefined);
    else if (this.#waiting.length < MAX_WAITING_LINES) this.#waiting.push(text);
  }

  close(): void {
    this.#socket.close();
  }
}

/** Node speaks no datagrams on unix sockets, the system's logger(1) does: it takes lines with their priority in front. */
class LoggerProgram implements Wire {
  readonly #child: ChildProcess;

  constructor(path: string, lost: () => void) {
    const words = ['--socket', path, '--prio-prefix', '--tag', 'nodepool', '--size', String(MAX_CHARS)];
    this.#child = spawn('logger', words, { stdio: ['pipe', 'ignore', 'ignore'] });
    this.#child.unref();
    this.#child.once('error', lost);
    this.#child.once('exit', lost);
    this.#child.stdin?.on('error', () => undefined); // its end is told by the process
  }

  send(text: string): void {
    const { stdin } = this.#child;
    if (stdin === null || stdin.writableLength > MAX_WAITING_BYTES) return;
    const [, priority = '', message = ''] = /^(<\d+>)([^]*)$/.exec(text) ?? [];
    stdin.write(message.replaceAll(/^/gm, priority) + '\n');
  }

  close(): void {
    this.#child.removeAllListeners('exit');
    this.#child.stdin?.end();
  }
}
