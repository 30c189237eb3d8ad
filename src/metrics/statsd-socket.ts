import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIPv6 } from 'node:net';
import type { Logger } from '../runtime/logger.ts';

export type StatsdAddress = { readonly host: string; readonly port: number };

/** Sends statsd lines by UDP, one each datagram. A lost or refused datagram is nobody's problem; it is said once. */
export class StatsdSocket {
  readonly #address: StatsdAddress;
  readonly #socket: Socket;
  #complained = false;

  constructor(address: StatsdAddress, log: Logger) {
    this.#address = address;
    const type = isIPv6(address.host) ? 'udp6' : 'udp4';
    this.#socket = createSocket({ type, lookup: rememberingLookup() });
    this.#socket.unref();
    this.#socket.on('error', (error) => {
      if (!this.#complained) log.warn('Cannot send to statsd', { host: address.host, port: address.port, error });
      this.#complained = true;
    });
  }

  /** A timing is paired with a counter of the same name (upstream). */
  timing(key: string, ms: number): void {
    this.#send(`${key}:${Math.round(ms)}|ms`);
    this.increment(key);
  }

  increment(key: string): void {
    this.#send(`${key}:1|c`);
  }

  gauge(key: string, value: number): void {
    this.#send(`${key}:${value}|g`);
  }

  #send(line: string): void {
    this.#socket.send(line, this.#address.port, this.#address.host);
  }
}

/** Node asks for the host's address again with every datagram; the first answer serves them all (upstream's client does so). */
function rememberingLookup(): NonNullable<SocketOptions['lookup']> {
  let known: { readonly ip: string; readonly family: number } | undefined;
  return (host, options, callback) => {
    if (known !== undefined) {
      callback(null, known.ip, known.family);
      return;
    }
    lookup(host, { ...options, all: false }, (error, ip, family) => {
      if (error === null) known = { ip, family };
      callback(error, ip, family);
    });
  };
}
