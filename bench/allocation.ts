import { allocate, type AllocationInput } from '../src/allocation/allocate.ts';
import type { AllocationRound } from '../src/allocation/allocation-history.ts';
import type { AllocationState } from '../src/db/database.ts';
import { type AllocationDeps, runAllocationPass } from '../src/pool/allocation-pass.ts';
import type { Config } from '../src/config/config.ts';
import type { Farm } from '../src/pool/farm.ts';
import { LaunchBreakers } from '../src/pool/launch-breakers.ts';
import { atMost, lessThan, type Measurement, noted, type Size, timesLess, type Topic } from './measurement.ts';
import { median } from './percentile.ts';
import { readPerRow } from './reference/per-row-allocation.ts';
import { BenchDatabase } from './rig/bench-database.ts';
import { benchDeps } from './rig/bench-deps.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { farmConfig, type FarmSize } from './rig/farm-text.ts';
import { fillImages, fillNodes } from './rig/fill-tables.ts';
import { StatementCounter } from './rig/statement-counter.ts';
import { costOf, costOfEach } from './rig/stopwatch.ts';

type Scale = Pick<FarmSize, 'labels' | 'providers' | 'targets'> & { readonly nodes: number; readonly passes: number };

const SCALES: Readonly<Record<Size, Scale>> = {
  full: { labels: 100, providers: 20, targets: 10, nodes: 10_000, passes: 30 },
  tiny: { labels: 4, providers: 2, targets: 2, nodes: 100, passes: 3 },
};
const MIN_READY = 10;
/** Of each provider, with every slot taken: the usual state of a farm with waiting jobs. */
const FULL = 0;
/** 200 free slots in all, which one pass hands out. */
const ROOMY = 10;
/** 2,000 free slots: most of the arithmetic. */
const EMPTY = 100;
/** building, ready, used, delete, hold: mostly used. */
const STATES = [3, 3, 3, 2, 3, 3, 1, 3, 4, 5];
const ROUNDS = 100;

export const ALLOCATION: Topic = {
  name: 'allocation',
  about: 'a pass with 100 labels × 20 providers × 10 targets × 10,000 nodes; every label lacks 10 nodes or more',
  run: async (size, signal) => {
    const scale = SCALES[size];
    using folder = new BenchFolder();
    await using db = await BenchDatabase.open(folder.path, signal);
    await fillImages(farmOf(scale, FULL), db, 'an-image');
    await fillNodes(farmOf(scale, FULL), db, { count: scale.nodes, states: STATES });
    const pure = await measurePure(scale, await db.database.readAllocationState());
    const full = await measurePass({ db, scale, free: FULL }, signal);
    const roomy = await measurePass({ db, scale, free: ROOMY }, signal);
    const reference = await measureReference(db, scale);
    return [...pure, ...rowsOf({ full, roomy, reference })];
  },
};

function farmOf({ nodes, passes: _passes, ...farm }: Scale, free: number): FarmSize {
  return { ...farm, minReady: MIN_READY, maxServers: nodes / farm.providers + free };
}

async function measurePure(scale: Scale, state: AllocationState): Promise<readonly Measurement[]> {
  const input = inputOf(farmConfig(farmOf(scale, EMPTY)), state);
  const { cpuMs } = await costOfEach(scale.passes, () => allocate(input));
  const granted = allocate(input).grants.length;
  return [
    lessThan(15, { what: 'pure part', value: cpuMs, unit: 'ms CPU' }),
    noted({ what: '  groups of equal nodes it reads', value: state.nodes.length, unit: '' }),
    noted({ what: '  grants it gives', value: granted, unit: '' }),
  ];
}

type Passes = {
  readonly full: Awaited<ReturnType<typeof measurePass>>;
  readonly roomy: Awaited<ReturnType<typeof measurePass>>;
  readonly reference: Awaited<ReturnType<typeof measureReference>>;
};

function rowsOf({ full, roomy, reference }: Passes): readonly Measurement[] {
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

type PassRun = { readonly db: BenchDatabase; readonly scale: Scale; readonly free: number };

async function measurePass({ db, scale, free }: PassRun, signal: AbortSignal) {
  const config = farmConfig(farmOf(scale, free));
  const deps = passDeps(db, config);
  const runs = [];
  for (let run = 0; run < scale.passes; run += 1) {
    signal.throwIfAborted();
    using counter = new StatementCounter();
    const before = await lastNode(db);
    const countBefore = counter.count;
    const cost = await costOf(() => runAllocationPass(deps, signal));
    runs.push({ ...cost, statements: counter.count - countBefore, notifications: counter.notifications });
    await db.query('delete from node where id > $1', [before]);
  }
  const warm = runs.slice(Math.floor(scale.passes / 3));
  return {
    cpuMs: median(warm.map(({ cpuMs }) => cpuMs)),
    wallMs: median(warm.map(({ wallMs }) => wallMs)),
    statements: Math.max(...warm.map(({ statements }) => statements)),
    notifications: Math.max(...warm.map(({ notifications }) => notifications)),
    result: allocate(inputOf(config, await db.database.readAllocationState())),
  };
}

async function lastNode(db: BenchDatabase): Promise<number> {
  const [row] = await db.query<{ id: number }>('select max(id) as id from node');
  return row?.id ?? 0;
}

async function measureReference(db: BenchDatabase, scale: Scale) {
  const config = farmConfig(farmOf(scale, FULL));
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
  const history = historyOf(config);
  return {
    farm: () => farm,
    nodes: database.nodes,
    readState: () => database.readAllocationState(),
    demand: () => Promise.resolve(demandOf(config)),
    isOnline: () => true,
    breakers: new LaunchBreakers(base),
    turn: () => 0,
    history: () => history,
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
    history: historyOf(config),
  };
}

/** Each label lacks about 10 to 60 nodes. */
function demandOf(config: Config): ReadonlyMap<string, number> {
  return new Map(config.labels.map(({ name }, index) => [name, 100 + ((index * 7) % 50)]));
}

/** A third of the labels has waited: half of those since the beginning. */
function historyOf({ labels }: Config): readonly AllocationRound[] {
  return Array.from({ length: ROUNDS }, (_, round) => {
    const waits = (index: number): boolean => index % 6 === 0 || (index % 3 === 0 && round < 10);
    return new Map(labels.map(({ name }, index) => [name, { requested: 5, granted: waits(index) ? 0 : 5 }]));
  });
}
