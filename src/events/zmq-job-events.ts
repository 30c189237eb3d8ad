import type { JobEvent } from '../node/job-event.ts';
import type { Clock } from '../runtime/clock.ts';
import { asError, isAbort } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { EventBuffer } from './event-buffer.ts';
import { parseJobEvent } from './parse-job-event.ts';
import { PublisherSocket } from './publisher-socket.ts';
import { SeldomWarning } from './seldom-warning.ts';

export type JobEventsDeps = {
  /**
   * Takes all events that came since the last call, at least one and at most `MAX_BATCH`, in the order of each
   * publisher. The next call comes after its end; a failure is logged and those events are lost.
   */
  readonly onEvents: (events: readonly JobEvent[], signal: AbortSignal) => Promise<void> | void;
  /** Events were or may have been lost (`reason`): look at Jenkins itself, soon. Must not throw and not wait. */
  readonly onResync: (reason: string) => void;
  readonly clock: Clock;
  /** Becomes `….NodeUpdateListener` (upstream's logger). */
  readonly log: Logger;
};

/** How many of each there were since the start. */
export type JobEventCounts = {
  /** Messages, whatever they held. */
  readonly messages: number;
  /** Messages that we could not read. */
  readonly bad: number;
  /** Events forgotten because the consumer was too slow. */
  readonly overflowed: number;
};

export interface JobEvents {
  /** Connects to those that are new and leaves those that are gone. A name that is no endpoint is logged and left out. */
  setPublishers(endpoints: readonly string[]): void;
  counts(): JobEventCounts;
  /** Resolves when the sockets are closed and no further `onEvents` comes. */
  close(): Promise<void>;
}

/** Some seconds of the busiest farm. */
const BUFFER_CAPACITY = 20_000;
/** Most events of one `onEvents`. */
export const MAX_BATCH = 1_000;
/** Unknown topics that we remember to have told about. */
const MAX_TOPICS = 100;
const SAY_AGAIN_MS = 60_000;

/** The publishers' sockets and the one buffer behind them. */
export class ZmqJobEvents implements JobEvents {
  readonly #deps: JobEventsDeps;
  readonly #signal: AbortSignal;
  readonly #sockets = new Map<string, PublisherSocket>();
  readonly #closing = new Set<Promise<void>>();
  readonly #buffer = new EventBuffer<JobEvent>(BUFFER_CAPACITY);
  readonly #topics = new Set<string>();
  readonly #bad: SeldomWarning;
  readonly #overflow: SeldomWarning;
  readonly #broken: SeldomWarning;
  /** When it was last said that a publisher closed the connection. */
  readonly #endSaidMs = new Map<string, number>();
  readonly #delivery: Promise<void>;
  #messages = 0;
  #overflowed = false;
  #closed = false;

  constructor(deps: JobEventsDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
    this.#bad = new SeldomWarning(deps);
    this.#overflow = new SeldomWarning(deps);
    this.#broken = new SeldomWarning(deps);
    this.#delivery = this.#deliver();
    if (signal.aborted) void this.close();
    else signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  setPublishers(endpoints: readonly string[]): void {
    if (this.#closed) return;
    const wanted = new Set(endpoints);
    for (const endpoint of [...this.#sockets.keys()].filter((known) => !wanted.has(known))) this.#disconnect(endpoint);
    for (const endpoint of [...wanted].filter((one) => !this.#sockets.has(one))) this.#connect(endpoint);
  }

  counts(): JobEventCounts {
    return { messages: this.#messages, bad: this.#bad.count, overflowed: this.#overflow.count };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const endpoint of [...this.#sockets.keys()]) this.#disconnect(endpoint);
    await Promise.all(this.#closing);
    this.#buffer.close();
    await this.#delivery;
  }

  #connect(endpoint: string): void {
    const { log } = this.#deps;
    try {
      const socket = new PublisherSocket(endpoint, {
        onMessage: (frames) => {
          this.#onMessage(endpoint, frames);
        },
        onConnect: () => {
          if (this.#sockets.get(endpoint) !== socket) return;
          log.debug(`Connected to publisher ${endpoint}`);
          this.#deps.onResync(`Connected to publisher ${endpoint}`);
        },
        onSubscribed: () => {
          if (this.#sockets.get(endpoint) === socket) this.#deps.onResync(`Subscribed to publisher ${endpoint}`);
        },
        onDisconnect: () => {
          if (this.#sockets.get(endpoint) === socket) this.#noteEnd(endpoint);
        },
        onRevive: () => {
          this.#broken.warn(`Publisher ${endpoint} sent what is no ZeroMQ; it is connected to anew`);
        },
        clock: this.#deps.clock,
      });
      this.#sockets.set(endpoint, socket);
    } catch (error) {
      log.error(`Cannot listen to publisher "${endpoint}"`, { error: asError(error) });
    }
  }

  #disconnect(endpoint: string): void {
    const socket = this.#sockets.get(endpoint);
    this.#sockets.delete(endpoint);
    this.#endSaidMs.delete(endpoint);
    if (socket === undefined) return;
    const closing = socket
      .close()
      .catch((error: unknown) => {
        this.#deps.log.warn(`Publisher ${endpoint} could not be closed`, { error });
      })
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** At once and then once a minute: one that cannot be spoken to may close ten connections a second. */
  #noteEnd(endpoint: string): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.monotonicMs();
    const message = `Publisher ${endpoint} has closed the connection`;
    if (nowMs - (this.#endSaidMs.get(endpoint) ?? -Infinity) < SAY_AGAIN_MS) {
      log.debug(message);
      return;
    }
    this.#endSaidMs.set(endpoint, nowMs);
    log.info(message);
  }

  #onMessage(endpoint: string, frames: readonly Uint8Array[]): void {
    this.#messages += 1;
    const message = parseJobEvent(frames);
    if (message.kind === 'event') this.#keep(message.event);
    else if (message.kind === 'bad') this.#bad.warn(`Dropped a message of publisher ${endpoint}: ${message.reason}`);
    else if (message.kind === 'unknown-topic') this.#noteTopic(message.topic);
  }

  #keep(event: JobEvent): void {
    if (this.#buffer.push(event)) return;
    this.#overflow.warn('Dropped the oldest build event: they come faster than they are handled');
    this.#overflowed = true;
  }

  #noteTopic(topic: string): void {
    if (this.#topics.has(topic) || this.#topics.size >= MAX_TOPICS) return;
    this.#topics.add(topic);
    this.#deps.log.info(`Ignoring events of topic "${topic}"`);
  }

  async #deliver(): Promise<void> {
    for (let batch = await this.#next(); batch !== undefined; batch = await this.#next()) {
      try {
        await this.#deps.onEvents(batch, this.#signal);
      } catch (error) {
        if (isAbort(error, this.#signal)) continue;
        this.#deps.log.error(`Could not handle ${batch.length} build events`, { error });
        this.#deps.onResync('Build events could not be handled');
      }
    }
  }

  async #next(): Promise<readonly JobEvent[] | undefined> {
    // Said when the flood is taken up, not for each lost event: a pass earlier would look at a farm that still changes.
    if (this.#overflowed) this.#deps.onResync('Build events were dropped');
    this.#overflowed = false;
    return this.#closed ? undefined : await this.#buffer.take(MAX_BATCH);
  }
}
