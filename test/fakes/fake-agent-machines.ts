import {
  type AgentChannel,
  type AgentLogin,
  type AgentMachines,
  type BuildCommand,
  LoginRefusedError,
} from '../../devfarm/jenkins/agent-machines.ts';

/** A build's shell step that runs until the test ends it. */
export type RunningStep = {
  readonly command: BuildCommand;
  readonly host: string;
  /** Its exit status. */
  finish(status: number): void;
};

/** Machines in memory for the Jenkins stand-in: they take every login, unless told otherwise, and run what a test says. */
export class FakeAgentMachines implements AgentMachines {
  /** Hosts that do not answer, that do not take the key, and that answer only when the test says so. */
  readonly unreachable = new Set<string>();
  readonly refusing = new Set<string>();
  readonly slow = new Set<string>();
  /** What every step exits with at once; undefined: it runs until the test ends it. */
  status: number | undefined;
  readonly steps: RunningStep[] = [];
  readonly logins: AgentLogin[] = [];
  readonly #channels = new Map<string, Set<FakeChannel>>();
  readonly #watchers = new Set<() => void>();

  async connect(login: AgentLogin, signal: AbortSignal): Promise<AgentChannel> {
    signal.throwIfAborted();
    this.logins.push(login);
    this.#look();
    await this.#until(() => !this.slow.has(login.host), signal);
    if (this.unreachable.has(login.host)) throw new Error(`connect ECONNREFUSED ${login.host}`);
    if (this.refusing.has(login.host)) throw new LoginRefusedError('All configured authentication methods failed');
    const channel = new FakeChannel(
      login.host,
      () => this.status,
      (step) => {
        this.steps.push(step);
        this.#look();
      },
    );
    const channels = this.#channels.get(login.host) ?? new Set();
    this.#channels.set(login.host, channels.add(channel));
    return channel;
  }

  /** The slow host answers. */
  answer(host: string): void {
    this.slow.delete(host);
    this.#look();
  }

  /** The power cord is pulled: connections break, steps end without a status. */
  lose(host: string): void {
    for (const channel of this.#channels.get(host) ?? []) channel.close();
    this.#channels.delete(host);
  }

  /** The `n`-th step since the start (from 1), as soon as it runs. */
  async step(n: number): Promise<RunningStep> {
    await this.#until(() => this.steps.length >= n);
    const step = this.steps[n - 1];
    if (step === undefined) throw new Error(`Step ${n} does not run`);
    return step;
  }

  /** Resolves when that many logins were tried. */
  async untilLogins(count: number): Promise<void> {
    await this.#until(() => this.logins.length >= count);
  }

  #until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        this.#watchers.delete(look);
        signal?.removeEventListener('abort', onAbort);
        end();
      };
      const look = (): void => {
        if (condition()) settle(resolve);
      };
      const onAbort = (): void => {
        settle(() => {
          reject(signal?.reason as Error);
        });
      };
      signal?.addEventListener('abort', onAbort);
      this.#watchers.add(look);
      look();
    });
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

class FakeChannel implements AgentChannel {
  readonly lost: Promise<void>;
  readonly #host: string;
  readonly #status: () => number | undefined;
  readonly #onStep: (step: RunningStep) => void;
  readonly #broken = new AbortController();

  constructor(host: string, status: () => number | undefined, onStep: (step: RunningStep) => void) {
    this.#host = host;
    this.#status = status;
    this.#onStep = onStep;
    this.lost = new Promise((resolve) => {
      this.#broken.signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  run(command: BuildCommand, signal: AbortSignal): Promise<number> {
    command.onOutput(`+ ${command.script}\n`);
    const ending = AbortSignal.any([signal, this.#broken.signal]); // is forgotten with the step
    return new Promise((resolve, reject) => {
      const onEnd = (): void => {
        reject(new Error('The channel is closed'));
      };
      if (ending.aborted) onEnd();
      ending.addEventListener('abort', onEnd);
      this.#onStep({ command, host: this.#host, finish: resolve });
      const status = this.#status();
      if (status !== undefined) resolve(status);
    });
  }

  close(): void {
    this.#broken.abort();
  }
}
