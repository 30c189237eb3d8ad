import type { Cause } from '../node/cause.ts';
import type { NodeEvent, NodeState } from '../node/lifecycle.ts';
import { nextNodeState } from '../node/lifecycle.ts';
import type { NodeCount, NodeFilter, NodeStore } from '../node/node-store.ts';
import type { NewNode, Node, NodeFacts } from '../node/node.ts';
import { type DaemonFence, andHeld } from './daemon-fence.ts';
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
  fixed: {
    id: 'id',
    version: 'version',
    provider: 'provider_name',
    label: 'label_name',
    target: 'target_name',
    smokeImageId: 'smoke_image_id',
  },
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
  names: 'array[nodename, external_id]',
  // By bytes: the same on every server, whatever its locale.
  orderBy: 'provider_name collate "C", label_name collate "C", id',
  ownerColumn: 'lease_owner',
};

const insertSql = (and: string): string => `
  insert into node (provider_name, label_name, target_name, smoke_image_id, state, state_time)
  select provider, label, target, nullif(smoke_image_id, 0), $5::integer, $6::bigint
  from unnest($1::text[], $2::text[], $3::text[], $4::integer[]) with ordinality
    as new (provider, label, target, smoke_image_id, place)
  where true ${and} order by place returning *`;

const COUNT_SQL = `
  select provider_name as "provider", label_name as "label", target_name as "target", state,
    smoke_image_id is not null as "isSmokeTest",
    count(*) as "count", coalesce(sum(own.subnodes), 0)::bigint as "subnodes"
  from node left join (select node_id, count(*) as subnodes from subnode group by node_id) as own on own.node_id = node.id
  group by provider_name, label_name, target_name, state, smoke_image_id is not null`;

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
    const { states, provider, target, claimable = false } = filter;
    const { fence } = this.#deps;
    const parameters = new SqlParameters();
    const where = whereAll([
      states && `state = any(${parameters.add(states.map((state) => NODE_STATE_NUMBERS[state]))}::integer[])`,
      provider === undefined ? undefined : `provider_name = ${parameters.add(provider)}`,
      target === undefined ? undefined : `target_name = ${parameters.add(target)}`,
      claimable && fence !== undefined ? claimableSql(parameters.add(fence.daemonId)) : undefined,
    ]);
    return this.#table.listWhere(where, parameters);
  }

  async count(): Promise<readonly NodeCount[]> {
    const rows = await this.#deps.pool.rows<Omit<NodeCount, 'state'> & { readonly state: number }>(COUNT_SQL);
    return rows.map(({ isSmokeTest, state, ...row }) => ({
      ...row,
      state: stateWord(NODE_STATE_NUMBERS, state),
      ...(isSmokeTest === true && { isSmokeTest }),
    }));
  }

  async insert(nodes: readonly NewNode[], cause: Cause): Promise<readonly Node[]> {
    if (nodes.length === 0) return [];
    const parameters = new SqlParameters(
      nodes.map((node) => node.provider),
      nodes.map((node) => node.label),
      nodes.map((node) => node.target),
      nodes.map((node) => node.smokeImageId ?? 0),
      NODE_STATE_NUMBERS.building,
      toEpochSeconds(this.#deps.clock.now()),
    );
    return this.#table.insert(insertSql(andHeld(this.#deps.fence, parameters)), cause, parameters);
  }

  // eslint-disable-next-line max-params -- the signature of NodeStore
  async apply(node: Node, event: NodeEvent, cause: Cause, facts: NodeFacts = {}): Promise<Node | undefined> {
    const to = nextNodeState(node.state, event);
    if (to === undefined) return undefined;
    const owner = ownerAfter({ from: node.state, event, to }, this.#deps.fence);
    return this.#table.move(node, node.version, { event, to, cause, facts, owner });
  }

  record(id: number, facts: NodeFacts): Promise<Node | undefined> {
    return this.#table.record(id, facts);
  }

  async claim(id: number): Promise<Node | undefined> {
    const { fence } = this.#deps;
    if (fence === undefined) return await this.#table.find(id);
    const parameters = new SqlParameters(id, fence.daemonId);
    const alive = fence.alive(parameters);
    // What is ours already is only read: a write would wait for the disk.
    const head = `
      with own as (select * from node where id = $1 and lease_owner = $2 and ${alive}),
      taken as (
        update node set lease_owner = $2
        where id = $1 and lease_owner is distinct from $2 and ${claimableSql('$2')} and ${alive} returning *
      )`;
    const node = await this.#table.findFrom(
      head,
      '(select * from own union all select * from taken) as claimed',
      parameters,
    );
    if (node === undefined) await fence.check();
    return node;
  }

  /** Its subnodes go with it. */
  remove(node: Node, cause: Cause): Promise<void> {
    return this.#table.remove(node.id, cause);
  }
}

/** No other living daemon works on the row. One that deletes nothing does not work on rows in state `delete`. */
function claimableSql(self: string): string {
  return `(lease_owner is null or lease_owner = ${self} or not exists (
    select from daemon as owner where owner.id = lease_owner and owner.ended_at is null
      and (node.state <> ${NODE_STATE_NUMBERS.delete} or 'deletes' = any (owner.roles))))`;
}

/** Who works on a row that moves: undefined for whoever did. What is marked for deletion is kept by the one that marks it. */
function ownerAfter(
  { from, event, to }: { readonly from: NodeState; readonly event: NodeEvent; readonly to: NodeState },
  fence: DaemonFence | undefined,
): string | null | undefined {
  // Its launch may be under way in the daemon that owns it, which then lets go of the machine and deletes it.
  if (to !== 'delete' || (from === 'building' && event !== 'launchFailed')) return undefined;
  return fence?.deletes === true ? fence.daemonId : null;
}
