import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

export type StatsdAddress = { readonly host: string; readonly port: number };

export type StatsdDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  /** The address of a host. Default: the system's. */
  readonly resolve?: (host: string) => Promise<string>;
};

/** Lines that wait for the host's address. More would not fit into the receiver's buffer either; what is over is dropped. */
const MAX_WAITING = 200;
/** Datagrams that wait for the network. */
const MAX_QUEUED = 1000;
/** A name that is unknown is not asked for with every line: each question blocks one of Node's few threads. */
const RESOLVE_AGAIN_MS = 60_000;

/**
 * Sends statsd lines by UDP, one each datagram. A lost or refused datagram is nobody's problem; it is said once. Never
 * waits, never throws, and keeps a bounded number of lines, whatever the network does.
 */
export class StatsdSocket {
  readonly #address: StatsdAddress;
  readonly #deps: StatsdDeps;
  readonly #socket: Socket;
  readonly #waiting: string[] = [];
  /** The host's address, once known: it serves for ever (upstream's client does so). */
  #ip: string | undefined;
  #isResolving = false;
  #resolveAfterMs = -Infinity;
  #complained = false;

  constructor(address: StatsdAddress, deps: StatsdDeps) {
    this.#address = address;
    this.#deps = deps;
    this.#ip = isIP(address.host) > 0 ? address.host : undefined;
    this.#socket = createSocket(isIPv6(address.host) ? 'udp6' : 'udp4');
    this.#socket.unref();
    this.#socket.on('error', (error) => {
      this.#complain(error);
    });
  }

  /** A timing is paired with a counter of the same name (upstream). */
  timing(key: string, ms: number): void {
    this.loneTiming(key, ms);
    this.increment(key);
  }

  /** A timing without its counter. */
  loneTiming(key: string, ms: number): void {
    this.#send(`${key}:${Math.round(ms)}|ms`);
  }

  increment(key: string): void {
    this.#send(`${key}:1|c`);
  }

  gauge(key: string, value: number): void {
    this.#send(`${key}:${value}|g`);
  }

  #send(line: string): void {
    if (this.#ip === undefined) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(line);
      this.#resolve();
    } else if (this.#socket.getSendQueueCount() < MAX_QUEUED) {
      this.#socket.send(line, this.#address.port, this.#ip, (error) => {
        if (error !== null) this.#complain(error);
      });
    }
  }

  #resolve(): void {
    const { clock, resolve = systemResolve } = this.#deps;
    if (this.#isResolving || clock.monotonicMs() < this.#resolveAfterMs) return;
    this.#isResolving = true;
    resolve(this.#address.host)
      .then((ip) => {
        this.#ip = ip;
        for (const line of this.#waiting.splice(0)) this.#send(line);
      })
      .catch((error: unknown) => {
        this.#resolveAfterMs = clock.monotonicMs() + RESOLVE_AGAIN_MS;
        this.#waiting.length = 0; // they tell of another time than the next answer's
        this.#complain(error);
      })
      .finally(() => {
        this.#isResolving = false;
      });
  }

  #complain(error: unknown): void {
    if (!this.#complained) this.#deps.log.warn('Cannot send to statsd', { ...this.#address, error });
    this.#complained = true;
  }
}

async function systemResolve(host: string): Promise<string> {
  return (await lookup(host, { family: 4 })).address;
}
