import type { Config } from '../../src/config/config.ts';

/** Runs one statement and gives its rows. */
export type Query = <Row extends object>(sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

type NodeRow = {
  readonly id: number;
  readonly provider: string;
  readonly label: string;
  readonly target: string;
  readonly state: number;
  readonly subnodes: number;
};

/** What allocation asks of the tables, by name. */
export type FarmCounts = {
  readonly available: ReadonlyMap<string, number>;
  readonly supply: ReadonlyMap<string, number>;
  readonly statements: number;
};

const SUPPLY = [1, 2, 3, 6];

/**
 * What an allocation pass must know, read and counted as upstream 0.3.1's getNeededNodes does it: the subnodes of each
 * node, the nodes of each label on each target and the image of each label, target and provider by a statement of their
 * own, and all counting by going through the list of all nodes again. For comparison only.
 */
export async function readPerRow(config: Config, query: Query): Promise<FarmCounts> {
  let statements = 0;
  const ask: Query = (sql, values) => {
    statements += 1;
    return query(sql, values);
  };
  const nodes = await readNodes(ask);
  const supply = countByState(config, nodes);
  const available = countRoom(config, nodes);
  await readRequests(config, ask);
  return { supply, available, statements };
}

async function readNodes(ask: Query): Promise<readonly NodeRow[]> {
  const rows = await ask<Omit<NodeRow, 'subnodes'>>(
    'select id, provider_name as provider, label_name as label, target_name as target, state from node',
  );
  const nodes: NodeRow[] = [];
  for (const row of rows) {
    const subnodes = await ask('select * from subnode where node_id = $1', [row.id]);
    nodes.push({ ...row, subnodes: subnodes.length });
  }
  return nodes;
}

function countByState(config: Config, nodes: readonly NodeRow[]): ReadonlyMap<string, number> {
  return new Map(
    config.labels.map(({ name }) => {
      const ofStates = SUPPLY.map((state) => countNodes(config, nodes, { label: name, state }));
      return [name, ofStates.reduce((sum, count) => sum + count, 0)];
    }),
  );
}

function countNodes(
  config: Config,
  nodes: readonly NodeRow[],
  { label, state }: { readonly label: string; readonly state: number },
): number {
  const online = config.targets.map(({ name }) => name);
  return nodes.filter((node) => online.includes(node.target) && node.label === label && node.state === state).length;
}

function countRoom(config: Config, nodes: readonly NodeRow[]): ReadonlyMap<string, number> {
  return new Map(
    config.providers.map(({ name, maxServers }) => {
      let servers = 0;
      for (const node of nodes) if (node.provider === name) servers += 1 + node.subnodes;
      return [name, Math.max(0, maxServers - servers)];
    }),
  );
}

async function readRequests(config: Config, ask: Query): Promise<void> {
  for (const target of config.targets) {
    for (const label of config.labels) {
      await ask('select * from node where label_name = $1 and target_name = $2', [label.name, target.name]);
      for (const provider of label.providers) {
        await ask(
          'select * from snapshot_image where image_name = $1 and provider_name = $2 and state = 2 order by version desc limit 1',
          [label.image, provider],
        );
      }
    }
  }
}
