import { allocate, type AllocationInput } from '../src/allocation/allocate.ts';
import type { AllocationRound } from '../src/allocation/allocation-history.ts';
import type { AllocationState } from '../src/db/database.ts';
import { type AllocationDeps, runAllocationPass } from '../src/pool/allocation-pass.ts';
import type { Config } from '../src/config/config.ts';
import type { Farm } from '../src/pool/farm.ts';
import { LaunchBreakers } from '../src/pool/launch-breakers.ts';
import { atMost, lessThan, type Measurement, noted, timesLess, type Topic } from './measurement.ts';
import { median } from './percentile.ts';
import { readPerRow } from './reference/per-row-allocation.ts';
import { BenchDatabase } from './rig/bench-database.ts';
import { benchDeps } from './rig/bench-deps.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { farmConfig, type FarmSize } from './rig/farm-text.ts';
import { fillImages, fillNodes } from './rig/fill-tables.ts';
import { StatementCounter } from './rig/statement-counter.ts';
import { costOf, costOfEach } from './rig/stopwatch.ts';

const NODES = 10_000;
const FARM = { labels: 100, providers: 20, targets: 10, minReady: 10 };
/** Every slot is taken: the usual state of a farm with waiting jobs. */
const FULL: FarmSize = { ...FARM, maxServers: NODES / FARM.providers };
/** 200 free slots, which one pass hands out. */
const ROOMY: FarmSize = { ...FARM, maxServers: NODES / FARM.providers + 10 };
/** 2,000 free slots: most of the arithmetic. */
const EMPTY: FarmSize = { ...FARM, maxServers: NODES / FARM.providers + 100 };
const PASSES = 30;
/** building, ready, used, delete, hold: mostly used. */
const STATES = [3, 3, 3, 2, 3, 3, 1, 3, 4, 5];
const ROUNDS = 100;

export const ALLOCATION: Topic = {
  name: 'allocation',
  about: '100 labels × 20 providers × 10 targets × 10,000 nodes; every label lacks 10 nodes or more',
  run: async (signal) => {
    using folder = new BenchFolder();
    await using db = await BenchDatabase.open(folder.path, signal);
    await fillImages(FULL, db, 'an-image');
    await fillNodes(FULL, db, { count: NODES, states: STATES });
    const state = await db.database.readAllocationState();
    const pure = await measurePure(state);
    const passes = await measurePasses(db, signal);
    return [...pure, ...passes];
  },
};

async function measurePure(state: AllocationState): Promise<readonly Measurement[]> {
  const input = inputOf(farmConfig(EMPTY), state);
  const { cpuMs } = await costOfEach(PASSES, () => allocate(input));
  const granted = allocate(input).grants.length;
  return [
    lessThan(15, { what: 'pure part', value: cpuMs, unit: 'ms CPU' }),
    noted({ what: '  groups of equal nodes it reads', value: state.nodes.length, unit: '' }),
    noted({ what: '  grants it gives', value: granted, unit: '' }),
  ];
}

async function measurePasses(db: BenchDatabase, signal: AbortSignal): Promise<readonly Measurement[]> {
  const full = await measurePass(db, FULL, signal);
  const roomy = await measurePass(db, ROOMY, signal);
  const reference = await measureReference(db);
  const batches = new Set(roomy.result.grants.map(({ label }) => label)).size;
  return [
    lessThan(50, { what: 'pass, all slots taken, database read included', value: full.cpuMs, unit: 'ms CPU' }),
    noted({ what: '  wall time', value: full.wallMs, unit: 'ms' }),
    atMost(3, { what: '  SQL statements', value: full.statements, unit: '' }),
    lessThan(50, { what: 'pass that launches 200 nodes', value: roomy.cpuMs, unit: 'ms CPU' }),
    noted({ what: '  wall time', value: roomy.wallMs, unit: 'ms' }),
    noted({ what: '  labels that get nodes: batches of launches', value: batches, unit: '' }),
    atMost(3 + batches, { what: '  SQL statements', value: roomy.statements, unit: '' }),
    noted({ what: '  notifications for other programs', value: roomy.notifications, unit: '' }),
    noted({ what: 'reference: read row by row, as upstream', value: reference.cpuMs, unit: 'ms CPU' }),
    noted({ what: '  SQL statements', value: reference.statements, unit: '' }),
    timesLess('  our pass needs less CPU', { ours: full.cpuMs, theirs: reference.cpuMs }),
  ];
}

async function measurePass(db: BenchDatabase, size: FarmSize, signal: AbortSignal) {
  const deps = passDeps(db, farmConfig(size));
  const runs = [];
  for (let run = 0; run < PASSES; run += 1) {
    using counter = new StatementCounter();
    const startedAt = await lastNode(db);
    const before = counter.count;
    const cost = await costOf(() => runAllocationPass(deps, signal));
    runs.push({ ...cost, statements: counter.count - before, notifications: counter.notifications });
    await db.query('delete from node where id > $1', [startedAt]);
  }
  const warm = runs.slice(PASSES / 3);
  return {
    cpuMs: median(warm.map(({ cpuMs }) => cpuMs)),
    wallMs: median(warm.map(({ wallMs }) => wallMs)),
    statements: Math.max(...warm.map(({ statements }) => statements)),
    notifications: Math.max(...warm.map(({ notifications }) => notifications)),
    result: allocate(inputOf(farmConfig(size), await db.database.readAllocationState())),
  };
}

async function lastNode(db: BenchDatabase): Promise<number> {
  const [row] = await db.query<{ id: number }>('select max(id) as id from node');
  return row?.id ?? 0;
}

async function measureReference(db: BenchDatabase) {
  const config = farmConfig(FULL);
  const found: Awaited<ReturnType<typeof readPerRow>>[] = [];
  const { cpuMs } = await costOf(async () => {
    found.push(await readPerRow(config, (sql, values) => db.query(sql, values)));
  });
  const [counts] = found;
  if (counts === undefined) throw new Error('The reference gave nothing');
  const ours = allocate(inputOf(config, await db.database.readAllocationState()));
  for (const { label, supply } of ours.explanations) {
    if (counts.supply.get(label) !== supply) throw new Error(`The reference counts ${label} otherwise than we do`);
  }
  return { cpuMs, statements: counts.statements };
}

function passDeps({ database }: BenchDatabase, config: Config): AllocationDeps {
  const base = benchDeps();
  const farm: Farm = { config, cloudOf: () => undefined, agentsOf: () => undefined };
  return {
    farm: () => farm,
    nodes: database.nodes,
    readState: () => database.readAllocationState(),
    demand: () => Promise.resolve(demandOf(config)),
    isOnline: () => true,
    breakers: new LaunchBreakers(base),
    history: () => HISTORY,
    saveRound: (round) => database.rounds.save(round),
    log: base.log.child('NodePool'),
  };
}

function inputOf(config: Config, { nodes, readyImages }: AllocationState): AllocationInput {
  return {
    providers: config.providers.map(({ name, maxServers }) => ({
      name,
      maxServers,
      readyImages: readyImages.get(name) ?? new Set(),
    })),
    targets: config.targets.map(({ name }) => ({ name, online: true })),
    labels: config.labels,
    nodes,
    demand: demandOf(config),
    history: HISTORY,
  };
}

/** Each label lacks about 10 to 60 nodes. */
function demandOf(config: Config): ReadonlyMap<string, number> {
  return new Map(config.labels.map(({ name }, index) => [name, 100 + ((index * 7) % 50)]));
}

/** A third of the labels has waited: half of those since the beginning. */
const HISTORY: readonly AllocationRound[] = Array.from(
  { length: ROUNDS },
  (_, round) =>
    new Map(
      Array.from({ length: FARM.labels }, (_each, index) => {
        const waits = index % 6 === 0 || (index % 3 === 0 && round < 10);
        return [`label-${index + 1}`, { requested: 5, granted: waits ? 0 : 5 }];
      }),
    ),
);
