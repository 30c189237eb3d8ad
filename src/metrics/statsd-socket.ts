import { createSocket } from 'node:dgram';
import type { Logger } from '../runtime/logger.ts';

export type StatsdAddress = { readonly host: string; readonly port: number };

/** Sends statsd lines by UDP. A lost or refused datagram is nobody's problem; it is said once. */
export class StatsdSocket {
  readonly #address: StatsdAddress;
  readonly #socket = createSocket('udp4');
  #complained = false;

  constructor(address: StatsdAddress, log: Logger) {
    this.#address = address;
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
