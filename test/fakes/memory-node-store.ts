import type { Cause } from '../../src/node/cause.ts';
import type { NodeEvent } from '../../src/node/lifecycle.ts';
import { nextNodeState } from '../../src/node/lifecycle.ts';
import type { NodeCount, NodeFilter, NodeStore } from '../../src/node/node-store.ts';
import type { NewNode, Node, NodeFacts } from '../../src/node/node.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { compareRows, wholeSecond } from './compare-rows.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryHistoryStore } from './memory-history-store.ts';

export type MemoryStoreDeps = { readonly clock?: Clock; readonly history?: MemoryHistoryStore };

/** The nodes in memory. Held to the store contract, so it behaves as the one in Postgres. */
export class MemoryNodeStore implements NodeStore {
  readonly history: MemoryHistoryStore;
  readonly #clock: Clock;
  readonly #nodes = new Map<number, Node>();
  readonly #subnodes = new Map<number, number>();
  readonly #claimedByOthers = new Set<number>();
  #lastId = 0;

  constructor(nodes: readonly Node[] = [], deps: MemoryStoreDeps = {}) {
    this.#clock = deps.clock ?? new FakeClock();
    this.history = deps.history ?? new MemoryHistoryStore(this.#clock);
    for (const node of nodes) this.put(node);
  }

  /** Every node, by id. */
  all(): readonly Node[] {
    return [...this.#nodes.values()].sort((a, b) => a.id - b.id);
  }

  /** Adds or replaces a row as it is: for what happened before the test, or behind the code's back. */
  put(node: Node): void {
    this.#nodes.set(node.id, node);
    this.#lastId = Math.max(this.#lastId, node.id);
  }

  /** How many subnode rows a node has. */
  setSubnodes(nodeId: number, subnodes: number): void {
    this.#subnodes.set(nodeId, subnodes);
  }

  find(id: number): Promise<Node | undefined> {
    return Promise.resolve(this.#nodes.get(id));
  }

  findByNodename(nodename: string): Promise<Node | undefined> {
    return Promise.resolve(
      this.all()
        .filter((node) => node.nodename === nodename)
        .at(-1),
    );
  }

  list(filter: NodeFilter = {}): Promise<readonly Node[]> {
    const { states, provider, target, claimable = false } = filter;
    const nodes = this.all()
      .filter(({ id }) => !claimable || !this.#claimedByOthers.has(id))
      .filter((node) => states?.includes(node.state) ?? true)
      .filter((node) => provider === undefined || node.provider === provider)
      .filter((node) => target === undefined || node.target === target);
    return Promise.resolve(nodes.sort((a, b) => compareRows([a.provider, a.label, a.id], [b.provider, b.label, b.id])));
  }

  count(): Promise<readonly NodeCount[]> {
    const counts = new Map<string, NodeCount>();
    for (const { id, provider, label, target, state, smokeImageId } of this.#nodes.values()) {
      const isSmokeTest = smokeImageId !== undefined;
      const key = JSON.stringify([provider, label, target, state, isSmokeTest]);
      const sum = counts.get(key) ?? { count: 0, subnodes: 0 };
      const subnodes = sum.subnodes + (this.#subnodes.get(id) ?? 0);
      const sums = { count: sum.count + 1, subnodes };
      counts.set(key, { provider, label, target, state, ...sums, ...(isSmokeTest && { isSmokeTest }) });
    }
    return Promise.resolve([...counts.values()]);
  }

  insert(nodes: readonly NewNode[], cause: Cause): Promise<readonly Node[]> {
    const inserted = nodes.map(({ provider, label, target, smokeImageId }) => {
      const id = this.#lastId + 1;
      const stateChangedAt = wholeSecond(this.#clock.now());
      const row = { id, version: 1, provider, label, target, smokeImageId, stateChangedAt };
      this.put(definedOnly({ ...row, state: 'building' as const }));
      this.history.add({ subject: 'node', subjectId: id, event: 'inserted', to: 'building', ...cause });
      return this.#get(id);
    });
    return Promise.resolve(inserted);
  }

  // eslint-disable-next-line max-params -- the signature of NodeStore
  apply(node: Node, event: NodeEvent, cause: Cause, facts: NodeFacts = {}): Promise<Node | undefined> {
    const state = nextNodeState(node.state, event);
    const current = this.#nodes.get(node.id);
    if (state === undefined || current?.version !== node.version) return Promise.resolve(undefined);
    const stateChangedAt = wholeSecond(this.#clock.now());
    this.put({ ...current, ...facts, state, stateChangedAt, version: current.version + 1 });
    this.history.add({ subject: 'node', subjectId: node.id, event, from: current.state, to: state, ...cause });
    return this.find(node.id);
  }

  record(id: number, facts: NodeFacts): Promise<Node | undefined> {
    const current = this.#nodes.get(id);
    if (current === undefined || Object.keys(facts).length === 0) return Promise.resolve(current);
    this.put({ ...current, ...facts, version: current.version + 1 });
    const why = `Stored ${Object.keys(facts).join(', ')}`;
    this.history.add({ subject: 'node', subjectId: id, event: 'recorded', why, who: 'test' });
    return this.find(id);
  }

  /** Another daemon works on the node, until it lets go. */
  claimForOther(id: number): void {
    this.#claimedByOthers.add(id);
  }

  letGo(id: number): void {
    this.#claimedByOthers.delete(id);
  }

  claim(id: number): Promise<Node | undefined> {
    return this.#claimedByOthers.has(id) ? Promise.resolve(undefined) : this.find(id);
  }

  remove(node: Node, cause: Cause): Promise<void> {
    const current = this.#nodes.get(node.id);
    if (current !== undefined) {
      this.#nodes.delete(node.id);
      this.#subnodes.delete(node.id);
      const names = [current.nodename, current.externalId];
      this.history.add({ subject: 'node', subjectId: node.id, event: 'removed', from: current.state, ...cause }, names);
    }
    return Promise.resolve();
  }

  #get(id: number): Node {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`No node ${id}`);
    return node;
  }
}
