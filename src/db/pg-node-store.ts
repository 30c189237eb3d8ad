import type { Cause } from '../node/cause.ts';
import type { NodeEvent, NodeState } from '../node/lifecycle.ts';
import { nextNodeState } from '../node/lifecycle.ts';
import type { NodeCount, NodeFilter, NodeStore } from '../node/node-store.ts';
import type { NewNode, Node, NodeFacts } from '../node/node.ts';
import { SqlParameters, whereAll } from './sql-text.ts';
import { NODE_STATE_NUMBERS, stateWord, toEpochSeconds } from './state-numbers.ts';
import type { StoreDeps } from './store-deps.ts';
import type { TableShape } from './versioned-table.ts';
import { VersionedTable } from './versioned-table.ts';

const SHAPE: TableShape<NodeState, Node, NodeFacts> = {
  table: 'node',
  subject: 'node',
  versionColumn: 'version',
  numbers: NODE_STATE_NUMBERS,
  fixed: { id: 'id', version: 'version', provider: 'provider_name', label: 'label_name', target: 'target_name' },
  facts: {
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
  },
  // By bytes: the same on every server, whatever its locale.
  orderBy: 'provider_name collate "C", label_name collate "C", id',
};

const INSERT_SQL = `
  insert into node (provider_name, label_name, target_name, state, state_time)
  select provider, label, target, $4::integer, $5::bigint
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as new (provider, label, target, place)
  order by place returning *`;

const COUNT_SQL = `
  select provider_name as "provider", label_name as "label", target_name as "target", state,
    count(*) as "count", coalesce(sum(own.subnodes), 0)::bigint as "subnodes"
  from node left join (select node_id, count(*) as subnodes from subnode group by node_id) as own on own.node_id = node.id
  group by provider_name, label_name, target_name, state`;

/** The nodes in Postgres. */
export class PgNodeStore implements NodeStore {
  readonly #deps: StoreDeps;
  readonly #table: VersionedTable<NodeState, Node, NodeFacts>;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
    this.#table = new VersionedTable(SHAPE, deps);
  }

  find(id: number): Promise<Node | undefined> {
    return this.#table.find(id);
  }

  findByNodename(nodename: string): Promise<Node | undefined> {
    return this.#table.findWhere('where nodename = $1 order by id desc', new SqlParameters(nodename));
  }

  list(filter: NodeFilter = {}): Promise<readonly Node[]> {
    const { states, provider, target } = filter;
    const parameters = new SqlParameters();
    const where = whereAll([
      states && `state = any(${parameters.add(states.map((state) => NODE_STATE_NUMBERS[state]))}::integer[])`,
      provider === undefined ? undefined : `provider_name = ${parameters.add(provider)}`,
      target === undefined ? undefined : `target_name = ${parameters.add(target)}`,
    ]);
    return this.#table.listWhere(where, parameters);
  }

  async count(): Promise<readonly NodeCount[]> {
    const rows = await this.#deps.pool.rows<Omit<NodeCount, 'state'> & { readonly state: number }>(COUNT_SQL);
    return rows.map((row) => ({ ...row, state: stateWord(NODE_STATE_NUMBERS, row.state) }));
  }

  async insert(nodes: readonly NewNode[], cause: Cause): Promise<readonly Node[]> {
    if (nodes.length === 0) return [];
    const parameters = new SqlParameters(
      nodes.map((node) => node.provider),
      nodes.map((node) => node.label),
      nodes.map((node) => node.target),
      NODE_STATE_NUMBERS.building,
      toEpochSeconds(this.#deps.clock.now()),
    );
    return this.#table.insert(INSERT_SQL, cause, parameters);
  }

  // eslint-disable-next-line max-params -- the signature of NodeStore
  async apply(node: Node, event: NodeEvent, cause: Cause, facts: NodeFacts = {}): Promise<Node | undefined> {
    const to = nextNodeState(node.state, event);
    if (to === undefined) return undefined;
    return this.#table.move(node, node.version, { event, to, cause, facts });
  }

  record(id: number, facts: NodeFacts): Promise<Node | undefined> {
    return this.#table.record(id, facts);
  }

  /** Its subnodes go with it. */
  remove(node: Node, cause: Cause): Promise<void> {
    return this.#table.remove(node.id, cause);
  }
}
