import type { Cause } from '../node/cause.ts';
import type { NodeEvent } from '../node/lifecycle.ts';
import { nextNodeState } from '../node/lifecycle.ts';
import type { NodeCount, NodeFilter, NodeStore } from '../node/node-store.ts';
import type { NewNode, Node, NodeFacts } from '../node/node.ts';
import type { Columns, NullableRow } from './sql-text.ts';
import {
  assignments,
  changeWithHistory,
  describeFacts,
  selectList,
  SqlParameters,
  stateWordSql,
  whereAll,
  withoutNulls,
} from './sql-text.ts';
import { fromEpochSeconds, NODE_STATE_NUMBERS, stateWord, toEpochSeconds } from './state-numbers.ts';
import type { StoreDeps } from './store-deps.ts';

const FACT_COLUMNS: Columns<Required<NodeFacts>> = {
  manager: 'manager_name',
  hostname: 'hostname',
  nodename: 'nodename',
  externalId: 'external_id',
  az: 'az',
  ip: 'ip',
  privateIp: 'ip_private',
  comment: 'comment',
  step: 'step',
  stepStartedAt: 'step_time',
  attempt: 'attempt',
  imageId: 'image_id',
  hostKey: 'host_key',
  registeredAt: 'registered_at',
  forced: 'forced',
  deleteAfter: 'delete_after',
};

/** A node as stored: its state a number, its state time whole seconds. */
type NodeRow = Omit<Node, 'state' | 'stateChangedAt'> & { readonly state: number; readonly stateTime: number };

const COLUMNS: Columns<Required<NodeRow>> = {
  id: 'id',
  version: 'version',
  provider: 'provider_name',
  label: 'label_name',
  target: 'target_name',
  state: 'state',
  stateTime: 'state_time',
  ...FACT_COLUMNS,
};

const SELECT = `select ${selectList(COLUMNS)}`;

const COUNT_SQL = `
  select provider_name as "provider", label_name as "label", target_name as "target", state,
    count(*) as "count", coalesce(sum(subnodes), 0)::bigint as "subnodes"
  from node left join (select node_id, count(*) as subnodes from subnode group by node_id) as own on node_id = node.id
  group by provider_name, label_name, target_name, state`;

/** The nodes in Postgres. */
export class PgNodeStore implements NodeStore {
  readonly #deps: StoreDeps;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
  }

  find(id: number): Promise<Node | undefined> {
    return this.#one(`${SELECT} from node where id = $1`, new SqlParameters([id]));
  }

  findByNodename(nodename: string): Promise<Node | undefined> {
    const sql = `${SELECT} from node where nodename = $1 order by id desc limit 1`;
    return this.#one(sql, new SqlParameters([nodename]));
  }

  list(filter: NodeFilter = {}): Promise<readonly Node[]> {
    const { states, provider, target } = filter;
    const parameters = new SqlParameters();
    const where = whereAll([
      states && `state = any(${parameters.add(states.map((state) => NODE_STATE_NUMBERS[state]))})`,
      provider === undefined ? undefined : `provider_name = ${parameters.add(provider)}`,
      target === undefined ? undefined : `target_name = ${parameters.add(target)}`,
    ]);
    return this.#many(`${SELECT} from node${where} order by ${BY_NAME}`, parameters);
  }

  async count(): Promise<readonly NodeCount[]> {
    const rows = await this.#deps.pool.rows<Omit<NodeCount, 'state'> & { readonly state: number }>(COUNT_SQL);
    return rows.map((row) => ({ ...row, state: stateWord(NODE_STATE_NUMBERS, row.state) }));
  }

  async insert(nodes: readonly NewNode[], cause: Cause): Promise<readonly Node[]> {
    if (nodes.length === 0) return [];
    const parameters = new SqlParameters();
    const now = this.#deps.clock.now();
    const names = [nodes.map((n) => n.provider), nodes.map((n) => n.label), nodes.map((n) => n.target)];
    const change = `
      insert into node (provider_name, label_name, target_name, state, state_time)
      select provider, label, target, ${NODE_STATE_NUMBERS.building}, ${parameters.add(toEpochSeconds(now))}::bigint
      from unnest(${names.map((column) => `${parameters.add(column)}::text[]`).join(', ')})
        with ordinality as new (provider, label, target, place)
      order by place returning *`;
    const noted = { at: now, subject: 'node', event: 'inserted', to: "'building'", cause } as const;
    const sql = `${changeWithHistory(change, noted, parameters)} ${SELECT} from changed order by id`;
    return this.#changed(await this.#many(sql, parameters));
  }

  // eslint-disable-next-line max-params -- the signature of NodeStore
  async apply(node: Node, event: NodeEvent, cause: Cause, facts: NodeFacts = {}): Promise<Node | undefined> {
    const state = nextNodeState(node.state, event);
    if (state === undefined) return undefined;
    const parameters = new SqlParameters();
    const at = this.#deps.clock.now();
    const change = `
      update node set version = version + 1, state = ${NODE_STATE_NUMBERS[state]},
        state_time = ${parameters.add(toEpochSeconds(at))}${assignments(FACT_COLUMNS, facts, parameters)}
      where id = ${parameters.add(node.id)} and version = ${parameters.add(node.version)} returning *`;
    const noted = { at, subject: 'node', event, from: `'${node.state}'`, to: `'${state}'`, cause } as const;
    return this.#change(change, changeWithHistory(change, noted, parameters), parameters);
  }

  async record(id: number, facts: NodeFacts): Promise<Node | undefined> {
    const parameters = new SqlParameters();
    const stored = assignments(FACT_COLUMNS, facts, parameters);
    if (stored === '') return this.find(id);
    const change = `
      update node set version = version + 1${stored} where id = ${parameters.add(id)} returning *`;
    const cause = { who: this.#deps.program, why: describeFacts(facts) };
    const noted = { at: this.#deps.clock.now(), subject: 'node', event: 'recorded', cause } as const;
    return this.#change(changeWithHistory(change, noted, parameters), parameters);
  }

  async remove(node: Node, cause: Cause): Promise<void> {
    const parameters = new SqlParameters();
    const change = `delete from node where id = ${parameters.add(node.id)} returning *`;
    const from = stateWordSql(NODE_STATE_NUMBERS);
    const noted = { at: this.#deps.clock.now(), subject: 'node', event: 'removed', from, cause } as const;
    await this.#change(changeWithHistory(change, noted, parameters), parameters);
  }
}
