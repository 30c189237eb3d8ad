import { Wakeup } from '../../src/runtime/wakeup.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { AgentChannel } from './agent-machines.ts';
import type { AgentRecord, OfflineFlag } from './farm-records.ts';

/** Name of the built-in node; Jenkins shows it as `master`. */
export const BUILT_IN = '';
const LAUNCH_FAILED = 'This agent is offline because Jenkins failed to launch the agent process on it.';

/** Why a computer is offline, in Jenkins' words. */
export type OfflineCause = {
  readonly kind: 'UserCause' | 'ByCLI' | 'ChannelTermination' | 'LaunchFailed' | 'SimpleOfflineCause';
  readonly reason: string;
  readonly atMs: number;
};

/** A running build as its executor sees it. */
export type ExecutorBuild = { readonly job: string; readonly number: number; readonly abort: AbortController };

export type Executor = { readonly number: number; build: ExecutorBuild | undefined };

/** One computer of Jenkins as it is now: an agent, or the built-in node. What it is configured to be is its record. */
export class Computer {
  record: AgentRecord;
  readonly executors: readonly Executor[];
  /** Ends its connection for good. */
  readonly gone = new AbortController();
  /** Wakes the launcher before its time. */
  readonly launchNow: Wakeup;
  channel: AgentChannel | undefined;
  /** The switch as Jenkins shows it: after a restart only once the agent is connected again. */
  switchedOff: OfflineFlag | undefined;
  /** Why it is not connected; undefined while it connects for the first time. */
  disconnected: OfflineCause | undefined;
  removing = false;
  readonly #clock: Clock;

  constructor(record: AgentRecord, clock: Clock) {
    this.record = record;
    this.#clock = clock;
    this.launchNow = new Wakeup(clock);
    this.executors = Array.from({ length: record.executors }, (_, number) => ({ number, build: undefined }));
  }

  get name(): string {
    return this.record.id;
  }

  get isBuiltIn(): boolean {
    return this.name === BUILT_IN;
  }

  get isConnected(): boolean {
    return this.isBuiltIn || this.channel !== undefined;
  }

  get isOffline(): boolean {
    return this.removing || this.switchedOff !== undefined || !this.isConnected;
  }

  get isIdle(): boolean {
    return this.executors.every((executor) => executor.build === undefined);
  }

  /** Its labels: those configured and its own name. */
  get labels(): readonly string[] {
    if (this.isBuiltIn) return ['master'];
    const configured = this.record.label.split(/\s+/).filter((label) => label !== '');
    return [...new Set([...configured, this.name])].sort();
  }

  get offlineCause(): OfflineCause | undefined {
    if (this.removing) return this.#cause('SimpleOfflineCause', 'Node is being removed');
    const flag = this.switchedOff;
    if (flag !== undefined) return { kind: flag.by, reason: flag.message, atMs: flag.atMs };
    return this.isConnected ? undefined : this.disconnected;
  }

  freeExecutor(): Executor | undefined {
    return this.isOffline ? undefined : this.executors.find((executor) => executor.build === undefined);
  }

  connected(channel: AgentChannel): void {
    this.channel = channel;
    this.disconnected = undefined;
    this.switchedOff = this.record.offline;
  }

  launchFailed(): void {
    this.disconnected = this.#cause('LaunchFailed', LAUNCH_FAILED);
  }

  channelLost(): void {
    this.channel = undefined;
    this.disconnected ??= this.#cause('ChannelTermination', BROKEN_CHANNEL);
  }

  /** Cuts the connection at a user's wish; only the first reason is kept. */
  disconnect(reason: string): void {
    if (this.channel === undefined) return;
    this.disconnected = this.#cause('UserCause', reason);
    this.channel.close();
    this.channel = undefined;
  }

  #cause(kind: OfflineCause['kind'], reason: string): OfflineCause {
    return { kind, reason, atMs: this.#clock.now().getTime() };
  }
}

/** Jenkins shows the stack of its connection's end. */
const BROKEN_CHANNEL = [
  'Connection was broken: java.io.EOFException',
  '\tat java.base/java.io.ObjectInputStream$PeekInputStream.readFully(ObjectInputStream.java:2915)',
  '\tat java.base/java.io.ObjectInputStream$BlockDataInputStream.readShort(ObjectInputStream.java:3410)',
  '\tat hudson.remoting.SynchronousCommandTransport$ReaderThread.run(SynchronousCommandTransport.java:63)',
  'Caused: java.io.IOException: Unexpected termination of the channel',
  '\tat hudson.remoting.SynchronousCommandTransport$ReaderThread.run(SynchronousCommandTransport.java:77)',
  '',
].join('\n');
