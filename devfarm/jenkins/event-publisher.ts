import { createServer } from 'node:net';
import { once } from 'node:events';
import { XPublisher } from 'zeromq';
import type { Clock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { BuildRecord } from './farm-records.ts';
import type { FaultBook } from './fault-book.ts';
import type { StandInOptions } from './stand-in-options.ts';

export type EventTopic = 'onStarted' | 'onCompleted' | 'onFinalized';

/** What an event tells of a build. */
export type EventFacts = {
  readonly build: BuildRecord;
  readonly result?: string;
  /** Undefined: the node is deleted. */
  readonly nodeDescription: string | undefined;
};

export type EventPublisherDeps = {
  readonly options: StandInOptions;
  readonly faults: FaultBook;
  readonly clock: Clock;
  readonly log: Logger;
  /** Jenkins' URL without a slash at its end. */
  readonly baseUrl: () => string;
  /** Called when somebody has subscribed, or the last one has left. */
  readonly onSubscribers: () => void;
};

const BIND_TRIES = 50;
const BIND_RETRY_MS = 20;
const PHASES = { onStarted: 'STARTED', onCompleted: 'COMPLETED', onFinalized: 'FINISHED' } as const;

/** The plugin zmq-event-publisher: a PUB socket, bound at the first event unless the options say otherwise. */
export class EventPublisher {
  /** `tcp://HOST:PORT`, known before anybody listens there. */
  readonly endpoint: string;
  readonly #deps: EventPublisherDeps;
  readonly #socket = new XPublisher({ linger: 0, sendHighWaterMark: 1000 });
  #bound: Promise<void> | undefined;
  #hasSubscriber = false;
  #sending: Promise<void> = Promise.resolve();

  private constructor(endpoint: string, deps: EventPublisherDeps) {
    this.endpoint = endpoint;
    this.#deps = deps;
  }

  /** Whether somebody hears what is published now. */
  get hasSubscriber(): boolean {
    return this.#hasSubscriber;
  }

  static async open(deps: EventPublisherDeps): Promise<EventPublisher> {
    const { host, zmqPort, bindZmqLate } = deps.options;
    const publisher = new EventPublisher(`tcp://${host}:${zmqPort === 0 ? await freePort(host) : zmqPort}`, deps);
    if (!bindZmqLate) await publisher.#bind();
    return publisher;
  }

  /** Sends an event to whoever listens; never throws, never waits. Events keep their order. */
  publish(topic: EventTopic, facts: EventFacts): void {
    const isFirst = this.#bound === undefined;
    const isBound = this.#bind().catch((error: unknown) => {
      this.#deps.log.error(`Cannot publish events at ${this.endpoint}: ${describeError(error)}`);
    });
    // What opens the port has no listener yet.
    if (isFirst || this.#deps.faults.dropsEvent(topic)) return;
    const message = `${topic} ${JSON.stringify(this.#eventJson(topic, facts))}`;
    this.#sending = this.#sending
      .then(async () => {
        await isBound;
        await this.#socket.send(message);
      })
      .catch((error: unknown) => {
        this.#deps.log.warn(`Cannot publish ${topic}: ${describeError(error)}`);
      });
  }

  close(): void {
    this.#socket.close();
  }

  /** The socket tells of the first subscription and of the end of the last one. */
  async #watchSubscribers(): Promise<void> {
    for await (const [frame] of this.#socket) {
      this.#hasSubscriber = frame?.[0] === 1;
      this.#deps.onSubscribers();
    }
  }

  #bind(): Promise<void> {
    // Reading starts after the port is bound: what arrives while it is being bound is not noticed by an earlier read.
    this.#bound ??= this.#bindWhenFree().then(() => {
      void this.#watchSubscribers();
    });
    return this.#bound;
  }

  /** The port of a publisher that was closed a moment ago is not free at once. */
  async #bindWhenFree(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#socket.bind(this.endpoint);
        return;
      } catch (error) {
        const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
        if (!isTaken || attempt === BIND_TRIES) throw error;
        await this.#deps.clock.sleep(BIND_RETRY_MS);
      }
    }
  }

  #eventJson(topic: EventTopic, { build, result, nodeDescription }: EventFacts): unknown {
    const url = `job/${encodeURIComponent(build.job)}/`;
    const parameters = Object.entries(build.parameters).sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      name: build.job,
      url,
      build: {
        full_url: `${this.#deps.baseUrl()}/${url}${build.number}/`,
        number: build.number,
        phase: PHASES[topic],
        ...(result !== undefined && { status: result }),
        url: `${url}${build.number}/`,
        ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) }),
        node_name: build.builtOn,
        ...(nodeDescription !== undefined && { node_description: nodeDescription }),
        host_name: this.#deps.options.managerName,
      },
    };
  }
}

async function freePort(host: string): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}
