import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { GearmanServer } from '../../../src/gearman/gearman-server.ts';

/**
 * What we use of abraxas, another author's Gearman client and worker. Names must stay below 64 bytes, and one `workers`
 * line below 1 KB, else it hangs.
 */
export interface Abraxas {
  /** The work's value is the result. Register before the connection is up. */
  registerWorker(name: string, work: (task: AbraxasTask) => unknown): void;
  /** Rejects when the job fails. */
  submitJob(name: string, options: AbraxasOptions, data: string): PromiseLike<string>;
  /** Gives the handle. */
  submitJobBg(name: string, options: AbraxasOptions, data: string): PromiseLike<string>;
  /** By function name, in a list of one. */
  status(): PromiseLike<readonly [Readonly<Record<string, AbraxasStatus>>]>;
  /** With `connect`: the connection is up. */
  on(event: string, listener: () => void): void;
  disconnect(): void;
  /** One for each server; `socket` is null while it is not connected. */
  readonly connections: readonly { readonly socket: { readonly connection: Socket } | null }[];
}

export interface AbraxasTask {
  readonly payload: string;
  readonly jobid: string;
  readonly socket: {
    workData(handle: string, data: string): void;
    /**
     * With `exceptions`, an error thrown is sent as WORK_EXCEPTION and then WORK_FAIL, which the server refuses, and of
     * that abraxas dies. Without, it is a WORK_WARNING and a WORK_FAIL.
     */
    readonly feature: { exceptions: boolean };
  };
}

export type AbraxasStatus = { readonly inqueue: number; readonly running: number; readonly workers: number };

type AbraxasOptions = { readonly uniqueid?: string };

type AbraxasModule = {
  readonly Client: {
    connect(options: { host: string; port: number; defaultEncoding: string; maxJobs: number }): Abraxas;
  };
};

/**
 * An abraxas client and worker that is about to connect. Disposing disconnects it, and lets it read no more first: it
 * throws at a NO_JOB that arrives after its disconnect.
 */
export function anAbraxas(server: GearmanServer): Abraxas & Disposable {
  const { Client } = createRequire(import.meta.url)('abraxas') as AbraxasModule; // the package has no types
  const peer = Client.connect({ host: server.host, port: server.port, defaultEncoding: 'utf8', maxJobs: 4 });
  return Object.assign(peer, {
    [Symbol.dispose]: () => {
      for (const { socket } of peer.connections) socket?.connection.unpipe();
      peer.disconnect();
    },
  });
}

/** Resolves when the peer's connection is up. */
export function connected(peer: Abraxas): Promise<void> {
  return new Promise((resolve) => {
    peer.on('connect', resolve);
  });
}
