import {
  type Login,
  type OpenOptions,
  RemoteError,
  type RemoteFault,
  type RemoteMachines,
  type RemoteSession,
} from '../../src/provider/remote-machine.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeSession } from './fake-session.ts';

/** How a command ends that a test has a say in. */
export type ScriptedResult = {
  /** Default 0; undefined with `signal`. */
  readonly status?: number;
  readonly signal?: string;
  /** Lines of output. Default none. */
  readonly lines?: readonly string[];
  /** It never ends by itself. */
  readonly hangs?: boolean;
  /** The connection breaks while it runs. */
  readonly breaks?: boolean;
};

/** One machine: what was done to it is kept. Tests may change it at any time. */
export class FakeMachine {
  hostKey: string;
  /** Logins that still fail, each with `fault`; Infinity: all. */
  refusals = 0;
  fault: RemoteFault = 'connection';
  /** False: there is no /etc/nodepool, and nothing can be written there. */
  hasNodeFolder = true;
  /** Contents by path. */
  readonly files = new Map<string, string>();
  /** The mode that each was written with; undefined: as the account makes files. */
  readonly modes = new Map<string, number | undefined>();
  /** Remote folder → local folder. */
  readonly copiedFolders = new Map<string, string>();
  /** All commands begun, in order. */
  readonly commands: string[] = [];
  /** By a part of the command; the first that fits counts. */
  readonly results = new Map<string, ScriptedResult>();
  openSessions = 0;

  constructor(host: string) {
    this.hostKey = `sha256:key-of-${host}`;
  }

  /** How often a command with that text was begun. */
  timesRun(part: string): number {
    return this.commands.filter((command) => command.includes(part)).length;
  }

  /** @throws {RemoteError} the login fails */
  admit(login: Login): void {
    if (this.refusals > 0) {
      this.refusals -= 1;
      throw new RemoteError(this.fault, `${login.host}: ${this.fault} fault`);
    }
    if (login.hostKey !== undefined && login.hostKey !== this.hostKey) {
      throw new RemoteError('host-key', `The host key of ${login.host} changed`);
    }
  }
}

export type FakeMachinesOptions = {
  /** Machines that boot: logins that fail at first. Default 0. */
  readonly bootTakesTries?: number;
  /** With a clock a retry comes 2 s of it later, and deadlines run; without one time passes by itself. */
  readonly clock?: Clock;
};

const RETRY_MS = 2_000;

/** Machines in memory that behave: they boot, refuse, change their key, run commands, keep files, hang. */
export class FakeMachines implements RemoteMachines {
  /** All logins asked for, in order. */
  readonly logins: Login[] = [];
  readonly #options: FakeMachinesOptions;
  readonly #machines = new Map<string, FakeMachine>();

  constructor(options: FakeMachinesOptions = {}) {
    this.#options = options;
  }

  /** The machine at that address; made when first asked for. */
  machine(host: string): FakeMachine {
    const known = this.#machines.get(host);
    if (known !== undefined) return known;
    const made = new FakeMachine(host);
    made.refusals = this.#options.bootTakesTries ?? 0;
    this.#machines.set(host, made);
    return made;
  }

  all(): readonly FakeMachine[] {
    return [...this.#machines.values()];
  }

  async open(login: Login, options: OpenOptions, signal: AbortSignal): Promise<RemoteSession> {
    this.logins.push(login);
    for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
      signal.throwIfAborted();
      await Promise.resolve(); // no machine answers in the same turn
      const failure = this.#tryLogin(login);
      if (failure === undefined) return new FakeSession(login.username, this.machine(login.host), this.#clock());
      if (failure.fault === 'host-key' || failure.fault === 'key') throw failure;
      if (waitedMs >= options.timeoutMs) {
        const what = `ssh access to ${login.username}@${login.host}`;
        throw new DeadlineExceededError(what, options.timeoutMs, { cause: failure });
      }
      await this.#options.clock?.sleep(RETRY_MS, signal);
    }
  }

  #clock(): Clock {
    return this.#options.clock ?? new FakeClock();
  }

  #tryLogin(login: Login): RemoteError | undefined {
    try {
      this.machine(login.host).admit(login);
      return undefined;
    } catch (error) {
      if (error instanceof RemoteError) return error;
      throw error;
    }
  }
}
