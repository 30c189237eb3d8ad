import { expect } from 'vitest';
import type { JobEvent } from '../../src/node/job-event.ts';
import { runCheckPass } from '../../src/pool/check-pass.ts';
import { runDeletionPass, startDeletion } from '../../src/pool/deletion-pass.ts';
import { runHoldPass } from '../../src/pool/hold-pass.ts';
import { applyJobEvent, type JobEventDeps } from '../../src/pool/job-events.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { runReconcilePass } from '../../src/pool/reconcile-pass.ts';
import { runRegistrationPass } from '../../src/pool/registration-pass.ts';
import { parseOwner } from '../../src/provider/owner-metadata.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { aNode } from '../builders/a-node.ts';
import type { FakeAgent } from '../fakes/fake-agents.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { Life } from './life.ts';
import { passTime } from './pass-time.ts';
import { PoolBench, type PoolProcess } from './pool-bench.ts';

const OPERATOR = { who: 'cli:root', why: 'An operator asked for it' };
const AWAY = new TransientProviderError('503');

/** What may happen at any moment, to the node of that number where it is about one. */
export type Happening = { readonly what: keyof typeof HAPPENINGS; readonly nth: number };

/** What happens so many calls of the daemon after what happened before. */
export type Surprise = Happening & { readonly afterCalls: number };

/**
 * A farm with Jenkins, jobs, an operator, faults and a daemon that dies, all of which may happen between any two calls
 * of the daemon. Jobs take their node offline when they end. Keeps watch over what must never be.
 */
export class FarmWorld {
  readonly bench: PoolBench;
  /** Build events on their way. */
  readonly events: JobEvent[] = [];
  /** How many builds each node has begun. */
  readonly builds = new Map<string, number>();
  /** Nodes that an operator held, and did not delete since. */
  readonly held = new Set<number>();
  /** Nodes whose deletion an operator forced: their builds may be cut off. */
  readonly forced = new Set<number>();
  readonly violations: string[] = [];
  process: PoolProcess;
  #life = new Life();
  #upcoming: Surprise[] = [];
  #callsLeft = 0;

  constructor(nodes: number) {
    this.bench = new PoolBench({ nodes: Array.from({ length: nodes }, (_, n) => aNode({ id: n + 1 })) });
    this.#watchDeletions();
    this.process = this.#startProcess();
  }

  async happen({ what, nth }: Happening): Promise<void> {
    const nodes = this.bench.nodes.all();
    await HAPPENINGS[what](this, nodes[nth % Math.max(1, nodes.length)]?.id ?? 0);
  }

  /** What will happen between the daemon's next calls. */
  prepare(surprises: readonly Surprise[]): void {
    this.#upcoming = [...surprises];
    this.#callsLeft = surprises[0]?.afterCalls ?? 0;
  }

  /** The daemon is killed and another one started. */
  restart(): void {
    this.#life.kill();
    this.process = this.#startProcess();
  }

  agentOf(id: number): FakeAgent | undefined {
    const nodename = this.bench.nodes.all().find((node) => node.id === id)?.nodename ?? '';
    return this.bench.agents.nodenames.includes(nodename) ? this.bench.agents.agent(nodename) : undefined;
  }

  /** Starts a piece of the daemon's work and does not wait for it; a failure is what its loop would log. */
  begin(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof TransientProviderError)) this.violations.push(`Unforeseen: ${String(error)}`);
    });
  }

  jobEventDeps(): JobEventDeps {
    const { bench, process } = this;
    return {
      ...{ nodes: process.deletionPass.nodes, metrics: bench.metrics, clock: bench.clock, log: bench.log },
      testJobOf: () => undefined,
      deleteDelayMs: () => 0,
      admitTested: () => undefined,
      afterStart: (node, event) => {
        process.singleUse.jobStarted(node, event, neverAborted);
      },
      afterFinish: (node) => {
        startDeletion(node, process.deletionPass, neverAborted);
      },
    };
  }

  /** Nothing happens any more: builds end, and the daemon's loops run until all repairs are made. */
  async settle(): Promise<void> {
    this.#upcoming = [];
    this.events.length = 0; // lost with the last daemon
    for (const { id } of this.bench.nodes.all()) endBuild(this, id);
    this.restart();
    for (let minute = 0; minute < 12; minute += 1) {
      for (const pass of PASSES) this.begin(pass(this));
      await passTime(this.bench.clock, 61_000, 6_100);
    }
  }

  /** @throws {AssertionError} something is left that nobody owns, or something must never have been */
  expectSettled(): void {
    const { nodes, cloud, agents } = this.bench;
    const rows = nodes.all();
    const ids = new Set(rows.map(({ id }) => id));
    expect(this.violations).toEqual([]);
    for (const { state } of rows) expect(['ready', 'hold']).toContain(state);
    for (const id of this.held) expect(this.bench.node(id).state).toBe('hold');
    const owners = cloud.servers.peekAll().map(({ metadata }) => parseOwner(metadata)?.nodeId);
    for (const owner of owners) expect(ids).toContain(owner);
    expect(new Set(owners).size, 'servers of the same node').toBe(owners.length);
    for (const nodename of agents.nodenames) expect(rows.map((row) => row.nodename)).toContain(nodename);
    for (const { id, state, externalId = '' } of rows.filter((row) => row.state === 'ready')) {
      expect(cloud.servers.has(externalId), `server of node ${id}, ${state}`).toBe(true);
      expect(this.agentOf(id), `agent of node ${id}, ${state}`).toMatchObject({ temporarilyOffline: false });
    }
    expect(cloud.keypairs.size).toBe(0);
  }

  #startProcess(): PoolProcess {
    const life = new Life();
    life.beforeCall = async () => {
      this.#callsLeft -= 1;
      if (this.#callsLeft >= 0) return;
      const next = this.#upcoming.shift();
      this.#callsLeft = this.#upcoming[0]?.afterCalls ?? 0;
      if (next !== undefined) await this.happen(next);
    };
    this.#life = life;
    this.bench.wrap = life.wrap;
    return this.bench.startProcess();
  }

  /** Looks at each call that takes something away. */
  #watchDeletions(): void {
    const { cloud, agents, nodes } = this.bench;
    const deleteServer = cloud.deleteServer.bind(cloud);
    const removeAgent = agents.remove.bind(agents);
    const removeRow = nodes.remove.bind(nodes);
    cloud.deleteServer = (id, signal) => {
      this.#judge('server', parseOwner(cloud.servers.peekAll().find((each) => each.id === id)?.metadata ?? {})?.nodeId);
      return deleteServer(id, signal);
    };
    agents.remove = (nodename, signal) => {
      this.#judge('agent', Number(nodename.split('-').at(-1)));
      return removeAgent(nodename, signal);
    };
    nodes.remove = (node, cause) => {
      this.#judge('row', node.id);
      return removeRow(node, cause);
    };
  }

  #judge(what: 'server' | 'agent' | 'row', id: number | undefined): void {
    if (id === undefined) return;
    const isBusy = this.agentOf(id)?.busy === true;
    if (isBusy && !this.forced.has(id)) this.violations.push(`The ${what} of node ${id} was deleted under its build`);
    if (this.held.has(id) && what !== 'agent') this.violations.push(`The ${what} of held node ${id} was deleted`);
  }
}

/** One pass of each loop. */
const PASSES: readonly ((world: FarmWorld) => Promise<unknown>)[] = [
  ({ process }) => runLaunchPass(process.launchPass, neverAborted),
  ({ process }) => runRegistrationPass(process.registrationPass, neverAborted),
  ({ process }) => runReconcilePass(process.reconcilePass, neverAborted),
  ({ process }) => runDeletionPass(process.deletionPass, neverAborted),
  ({ process }) => runHoldPass(process.holdPass, neverAborted),
  ({ process, bench }) =>
    runCheckPass({ ...process.reconcilePass, machines: bench.wrap(bench.machines) }, neverAborted),
];

function endBuild(world: FarmWorld, id: number): void {
  const agent = world.agentOf(id);
  if (agent?.busy !== true) return;
  world.bench.agents.endBuild(agent.nodename, 'offline');
  world.events.push({ topic: 'onFinalized', job: 'gate', nodename: agent.nodename, result: 'SUCCESS' });
}

function takes(agent: FakeAgent | undefined): agent is FakeAgent {
  return agent !== undefined && agent.connected && !agent.temporarilyOffline && !agent.busy;
}

export const HAPPENINGS = {
  launchPass: (world: FarmWorld) => {
    world.begin(runLaunchPass(world.process.launchPass, neverAborted));
  },
  registrationPass: (world: FarmWorld) => {
    world.begin(runRegistrationPass(world.process.registrationPass, neverAborted));
  },
  reconcilePass: (world: FarmWorld) => {
    world.begin(runReconcilePass(world.process.reconcilePass, neverAborted));
  },
  deletionPass: (world: FarmWorld) => {
    world.begin(runDeletionPass(world.process.deletionPass, neverAborted));
  },
  holdPass: (world: FarmWorld) => {
    world.begin(runHoldPass(world.process.holdPass, neverAborted));
  },
  buildStarts: (world: FarmWorld, id: number) => {
    const agent = world.agentOf(id);
    if (!takes(agent)) return;
    world.bench.agents.startBuild(agent.nodename);
    const builds = (world.builds.get(agent.nodename) ?? 0) + 1;
    world.builds.set(agent.nodename, builds);
    if (builds > 1) world.violations.push(`${agent.nodename} got another build after its first`);
    world.events.push({ topic: 'onStarted', job: 'gate', nodename: agent.nodename });
  },
  buildEnds: endBuild,
  eventComes: (world: FarmWorld, id: number) => {
    const [event] = world.events.splice(id % Math.max(1, world.events.length), 1);
    if (event !== undefined) world.begin(applyJobEvent(event, world.jobEventDeps()));
  },
  eventComesTwice: (world: FarmWorld, id: number) => {
    const event = world.events[id % Math.max(1, world.events.length)];
    if (event !== undefined) world.begin(applyJobEvent(event, world.jobEventDeps()));
  },
  eventIsLost: (world: FarmWorld) => {
    world.events.shift();
  },
  operatorHolds: async (world: FarmWorld, id: number) => {
    const node = await world.bench.nodes.find(id);
    const held = node && (await world.bench.nodes.apply(node, 'held', OPERATOR));
    if (held !== undefined) world.held.add(id);
  },
  operatorDeletes: async (world: FarmWorld, id: number) => {
    const node = await world.bench.nodes.find(id);
    if (node === undefined) return;
    world.held.delete(id);
    world.forced.add(id);
    if (node.state === 'delete') await world.bench.nodes.record(id, { forced: true });
    else await world.bench.nodes.apply(node, 'deleted', OPERATOR, { forced: true });
  },
  nodeIsOverdue: async (world: FarmWorld, id: number) => {
    const node = await world.bench.nodes.find(id);
    if (node !== undefined) await world.bench.nodes.apply(node, 'overdue', { who: 'cleanup', why: 'test' });
  },
  checkFails: async (world: FarmWorld, id: number) => {
    const node = await world.bench.nodes.find(id);
    if (node !== undefined) await world.bench.nodes.apply(node, 'lost', { who: 'check', why: 'test' });
  },
  serverVanishes: async (world: FarmWorld, id: number) => {
    const { externalId = '', ip } = (await world.bench.nodes.find(id)) ?? {};
    if (!world.bench.cloud.servers.has(externalId) || ip === undefined) return;
    world.bench.cloud.servers.remove(externalId);
    world.bench.machines.machine(ip).refusals = Infinity;
    endBuild(world, id);
  },
  agentVanishes: async (world: FarmWorld, id: number) => {
    const node = await world.bench.nodes.find(id);
    // One of which not even the row knows that it was made may be made anew: nothing tells it from one that never was.
    if (node?.registeredAt !== undefined && node.nodename !== undefined) world.bench.agents.drop(node.nodename);
  },
  jenkinsFails: (world: FarmWorld, id: number) => {
    const calls = ['find', 'setOffline', 'remove', 'ensure', 'list'] as const;
    world.bench.agents.failNext(calls[id % calls.length] ?? 'find', AWAY);
  },
  jenkinsLosesAnswer: (world: FarmWorld, id: number) => {
    const calls = ['setOffline', 'remove', 'ensure'] as const;
    world.bench.agents.loseNextAnswer(calls[id % calls.length] ?? 'remove');
  },
  cloudFails: (world: FarmWorld, id: number) => {
    const calls = ['createServer', 'nextServerList', 'deleteServer', 'findServer'] as const;
    world.bench.cloud.failNext(calls[id % calls.length] ?? 'createServer', AWAY);
  },
  cloudLosesAnswer: (world: FarmWorld) => {
    world.bench.cloud.loseNextAnswer('createServer');
  },
  daemonDies: (world: FarmWorld) => {
    world.restart();
  },
} as const satisfies Record<string, (world: FarmWorld, id: number) => void | Promise<void>>;
