import type { Clock } from '../../src/runtime/clock.ts';
import type { Collection } from '../openstack/journal.ts';
import type { ChangeBell } from './change-bell.ts';
import { BUILT_IN, Computer } from './computer.ts';
import type { AgentRecord, OfflineFlag } from './farm-records.ts';

export type ComputersDeps = {
  readonly agents: Collection<AgentRecord>;
  readonly bell: ChangeBell;
  readonly clock: Clock;
  /** A deleted agent with a build stays listed for so long. */
  readonly removalMs: number;
  /** Connects the agent in the background until its computer is gone. */
  readonly launch: (computer: Computer) => void;
  readonly signal: AbortSignal;
};

const BUILT_IN_RECORD: AgentRecord = {
  id: BUILT_IN,
  description: 'the master Jenkins node',
  remoteFolder: '',
  executors: 1,
  mode: 'NORMAL',
  label: 'master',
  host: '',
  port: 0,
};

/** All computers of Jenkins: the built-in node and the agents. */
export class Computers {
  readonly builtIn: Computer;
  readonly #computers = new Map<string, Computer>();
  readonly #deps: ComputersDeps;

  constructor(deps: ComputersDeps) {
    this.#deps = deps;
    this.builtIn = new Computer(BUILT_IN_RECORD, deps.clock);
  }

  /** Takes up the agents of before: they are listed at once and connect in the background. */
  restore(): void {
    for (const record of this.#deps.agents.all()) this.#add(record);
  }

  /** The built-in node first, then the agents by name. */
  all(): readonly Computer[] {
    const byName = [...this.#computers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return [this.builtIn, ...byName];
  }

  find(name: string): Computer | undefined {
    return this.#computers.get(name);
  }

  /** By the name in a path: `(master)` is the built-in node. */
  findByPath(name: string): Computer | undefined {
    return name === '(master)' ? this.builtIn : this.find(name);
  }

  /** Makes an agent in the place of one with the same name, if there is one. */
  put(record: AgentRecord): void {
    this.#drop(this.#computers.get(record.id));
    this.#deps.agents.put(record);
    // Jenkins keeps an agent without executors in its configuration, and no computer for it.
    if (record.executors > 0) this.#add(record);
    this.#deps.bell.ring();
  }

  configure(computer: Computer, changes: Partial<AgentRecord>): void {
    computer.record = { ...computer.record, ...changes };
    this.#deps.agents.put(computer.record);
    this.#deps.bell.ring();
  }

  /** Switches off, or on again with undefined. */
  switch(computer: Computer, flag: OfflineFlag | undefined): void {
    computer.record = withFlag(computer.record, flag);
    computer.switchedOff = flag;
    if (flag === undefined) computer.disconnected = undefined;
    if (!computer.isBuiltIn && !computer.removing) this.#deps.agents.put(computer.record);
    this.#deps.bell.ring();
  }

  /** Deletes an agent; with a build it stays listed until that has failed. */
  remove(computer: Computer): void {
    this.#deps.agents.remove(computer.name);
    if (computer.isIdle) this.#drop(computer);
    else void this.#removeBusy(computer);
    this.#deps.bell.ring();
  }

  async #removeBusy(computer: Computer): Promise<void> {
    const { bell, clock, signal, removalMs } = this.#deps;
    computer.removing = true;
    try {
      await clock.sleep(removalMs, signal);
      for (const { build } of computer.executors) build?.abort.abort('node-lost');
      await bell.until(() => (computer.isIdle ? true : undefined), signal);
    } catch {
      return; // Jenkins stops
    }
    this.#drop(computer);
    bell.ring();
  }

  #add(record: AgentRecord): void {
    const computer = new Computer(record, this.#deps.clock);
    this.#computers.set(record.id, computer);
    this.#deps.launch(computer);
  }

  #drop(computer: Computer | undefined): void {
    if (computer === undefined) return;
    if (this.#computers.get(computer.name) === computer) this.#computers.delete(computer.name);
    computer.gone.abort(new Error(`Agent "${computer.name}" is deleted`));
  }
}

function withFlag(record: AgentRecord, flag: OfflineFlag | undefined): AgentRecord {
  if (flag !== undefined) return { ...record, offline: flag };
  const { offline, ...others } = record;
  return offline === undefined ? record : others;
}
