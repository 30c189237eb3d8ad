import { type Agent, type Agents, type NewAgent, OFFLINE_BY_GEARMAN } from '../../src/node/agents.ts';
import { UnknownOutcomeError } from '../../src/provider/errors.ts';

export type FakeAgentsOptions = {
  /** Default `fake-target`. */
  readonly target?: string;
  /** Agents that are there: names (online, idle), or more. */
  readonly agents?: readonly (string | (Partial<FakeAgent> & { readonly nodename: string }))[];
  /** Reads (`list`, `find`) that show a new agent as still connecting. Default 0. */
  readonly connectTakesPolls?: number;
  /** Reads, or further `remove` calls, until a removed agent is gone. Default 0: at once. */
  readonly removeTakesPolls?: number;
};

/** What Jenkins knows of one agent. Tests may change it at any time. */
export type FakeAgent = {
  readonly nodename: string;
  host: string;
  description: string;
  labels: readonly string[];
  connected: boolean;
  temporarilyOffline: boolean;
  offlineReason: string;
  /** A build runs. */
  busy: boolean;
};

/** A call of Agents that a test can make fail. */
export type FakeAgentsCall = Exclude<keyof Agents, 'target' | 'close'>;

type Fate = { readonly kind: 'fails'; readonly error: Error } | { readonly kind: 'answer-lost' | 'hangs' };

/** What only the fake remembers of an agent. */
type Record = { readonly agent: FakeAgent; pollsUntilConnected: number; pollsUntilGone: number | undefined };

/** A Jenkins in memory that behaves: agents connect after some polls, run builds, are switched off, take time to go. */
export class FakeAgents implements Agents {
  readonly target: string;
  /** False: `isOnline` says so. A failing Jenkins is made by `failNext`. */
  online = true;
  closed = false;
  /** All calls made, in order: `ensure`, … */
  readonly calls: FakeAgentsCall[] = [];
  readonly testJobs: { readonly job: string; readonly nodename: string }[] = [];
  /** Nodes whose build was cut off because its agent was removed. */
  readonly killedBuilds: string[] = [];
  readonly #options: FakeAgentsOptions;
  readonly #records = new Map<string, Record>();
  readonly #fates = new Map<FakeAgentsCall, Fate[]>();

  constructor(options: FakeAgentsOptions = {}) {
    this.#options = options;
    this.target = options.target ?? 'fake-target';
    for (const agent of options.agents ?? []) this.add(typeof agent === 'string' ? { nodename: agent } : agent);
  }

  /** Puts an agent there as if somebody else had: online and idle unless said otherwise. */
  add(agent: Partial<FakeAgent> & { readonly nodename: string }): FakeAgent {
    const added: FakeAgent = {
      host: '192.0.2.1',
      description: '',
      labels: [agent.nodename],
      connected: true,
      temporarilyOffline: false,
      offlineReason: '',
      busy: false,
      ...agent,
    };
    this.#records.set(agent.nodename, { agent: added, pollsUntilConnected: 0, pollsUntilGone: undefined });
    return added;
  }

  /** The names of all agents, those being removed included. */
  get nodenames(): readonly string[] {
    return [...this.#records.keys()];
  }

  /** @throws {Error} there is no such agent */
  agent(nodename: string): FakeAgent {
    return this.#get(nodename).agent;
  }

  startBuild(nodename: string): void {
    this.agent(nodename).busy = true;
  }

  /** Ends the build; with `offline` as OFFLINE_NODE_WHEN_COMPLETE does it. */
  endBuild(nodename: string, then?: 'offline'): void {
    const agent = this.agent(nodename);
    agent.busy = false;
    if (then === undefined) return;
    agent.temporarilyOffline = true;
    agent.offlineReason = OFFLINE_BY_GEARMAN;
  }

  /** Jenkins forgets the agent without our doing. */
  drop(nodename: string): void {
    this.#records.delete(nodename);
  }

  /** The next call of that name (the next `times`) throws `error` and does nothing; `isOnline` says false instead. */
  failNext(call: FakeAgentsCall, error: Error, times = 1): void {
    for (let n = 0; n < times; n += 1) this.#addFate(call, { kind: 'fails', error });
  }

  /** The next call of that name is done, and then throws an UnknownOutcomeError. */
  loseNextAnswer(call: FakeAgentsCall): void {
    this.#addFate(call, { kind: 'answer-lost' });
  }

  /** The next call of that name does nothing and ends only when it is aborted. */
  hangNext(call: FakeAgentsCall): void {
    this.#addFate(call, { kind: 'hangs' });
  }

  async isOnline(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#call('isOnline', signal, () => this.online);
    } catch {
      signal.throwIfAborted();
      return false; // what the interface promises for a failing Jenkins
    }
  }

  list(signal: AbortSignal): Promise<readonly Agent[]> {
    return this.#call('list', signal, () => {
      for (const record of this.#records.values()) this.#passPoll(record);
      return [...this.#records.values()].map(viewOf);
    });
  }

  find(nodename: string, signal: AbortSignal): Promise<Agent | undefined> {
    return this.#call('find', signal, () => {
      this.#passPollOf(nodename);
      const record = this.#records.get(nodename);
      return record === undefined ? undefined : viewOf(record);
    });
  }

  ensure(agent: NewAgent, signal: AbortSignal): Promise<void> {
    return this.#call('ensure', signal, () => {
      const there = this.#records.get(agent.nodename);
      if (there?.agent.host === agent.host && there.pollsUntilGone === undefined) return;
      const pollsUntilConnected = this.#options.connectTakesPolls ?? 0;
      this.add({
        nodename: agent.nodename,
        host: agent.host,
        description: agent.description,
        labels: agent.label === undefined ? [agent.nodename] : [...agent.label.split(' '), agent.nodename],
        connected: pollsUntilConnected === 0,
      });
      this.#get(agent.nodename).pollsUntilConnected = pollsUntilConnected;
    });
  }

  setOffline(nodename: string, reason: string, signal: AbortSignal): Promise<boolean> {
    return this.#call('setOffline', signal, () => {
      const agent = this.#records.get(nodename)?.agent;
      if (agent === undefined) return false;
      agent.temporarilyOffline = true;
      agent.offlineReason = reason;
      return true;
    });
  }

  remove(nodename: string, signal: AbortSignal): Promise<boolean> {
    return this.#call('remove', signal, () => {
      this.#passPollOf(nodename);
      const record = this.#records.get(nodename);
      if (record === undefined) return true;
      if (record.pollsUntilGone === undefined && record.agent.busy) this.killedBuilds.push(nodename);
      record.pollsUntilGone ??= this.#options.removeTakesPolls ?? 0;
      if (record.pollsUntilGone === 0) this.#records.delete(nodename);
      return !this.#records.has(nodename);
    });
  }

  relabel(nodename: string, label: string, signal: AbortSignal): Promise<void> {
    return this.#call('relabel', signal, () => {
      this.agent(nodename).labels = [...label.split(' '), nodename];
    });
  }

  startTestJob(job: string, nodename: string, signal: AbortSignal): Promise<void> {
    return this.#call('startTestJob', signal, () => {
      this.testJobs.push({ job, nodename });
    });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  async #call<T>(call: FakeAgentsCall, signal: AbortSignal, work: () => T): Promise<T> {
    signal.throwIfAborted();
    this.calls.push(call);
    await Promise.resolve(); // no peer answers in the same turn
    const fate = this.#fates.get(call)?.shift();
    if (fate?.kind === 'fails') throw fate.error;
    if (fate?.kind === 'hangs') await untilAborted(signal);
    const result = work();
    if (fate?.kind === 'answer-lost') throw new UnknownOutcomeError(`The answer to ${call} was lost`);
    return result;
  }

  #addFate(call: FakeAgentsCall, fate: Fate): void {
    this.#fates.set(call, [...(this.#fates.get(call) ?? []), fate]);
  }

  #get(nodename: string): Record {
    const record = this.#records.get(nodename);
    if (record === undefined) throw new Error(`There is no agent "${nodename}"`);
    return record;
  }

  #passPollOf(nodename: string): void {
    const record = this.#records.get(nodename);
    if (record !== undefined) this.#passPoll(record);
  }

  #passPoll(record: Record): void {
    if (record.pollsUntilConnected > 0) record.pollsUntilConnected -= 1;
    else if (!record.agent.connected && record.agent.offlineReason === '') record.agent.connected = true;
    if (record.pollsUntilGone === undefined) return;
    if (record.pollsUntilGone === 0) this.#records.delete(record.agent.nodename);
    else record.pollsUntilGone -= 1;
  }
}

function viewOf({ agent, pollsUntilGone }: Record): Agent {
  const removed = pollsUntilGone !== undefined;
  return {
    nodename: agent.nodename,
    offline: removed || !agent.connected || agent.temporarilyOffline,
    temporarilyOffline: agent.temporarilyOffline,
    offlineReason: removed ? 'Node is being removed' : agent.offlineReason,
    busy: agent.busy,
    labels: agent.labels,
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}
