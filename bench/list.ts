import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { lessThan, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { median } from './percentile.ts';
import { BenchDatabase } from './rig/bench-database.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { type FarmSize, farmYaml } from './rig/farm-text.ts';
import { fillNodes } from './rig/fill-tables.ts';
import { Programs } from './rig/programs.ts';
import { costOf } from './rig/stopwatch.ts';

const FARM: FarmSize = { labels: 10, providers: 3, targets: 2, minReady: 1, maxServers: 5000 };
const LARGE_FARM: FarmSize = { ...FARM, labels: 100, providers: 20, targets: 10 };

type Scale = { readonly rows: number; readonly runs: number };

const SCALES: Readonly<Record<Size, Scale>> = { full: { rows: 10_000, runs: 15 }, tiny: { rows: 10, runs: 1 } };

export const LIST: Topic = {
  name: 'list',
  about: '`nodepool list`, the whole process as a shell starts it, next to a `node` that does nothing',
  run: async (size, signal) => {
    const { rows, runs } = SCALES[size];
    using folder = new BenchFolder();
    using programs = await Programs.build([], signal);
    await using db = await BenchDatabase.open(folder.path, signal);
    const list = (farm: FarmSize): Command => listCommand(programs, folder, { ...farm, databaseUrl: db.url.reveal() });
    const ours = list(FARM);
    const noRows = await measureCommands({ bare: BARE, ours, large: list(LARGE_FARM) }, { runs, lines: 4 }, signal);
    await fillNodes(FARM, db, { count: rows, states: [2, 3, 3] });
    const allRows = await measureCommands({ bare: BARE, ours }, { runs, lines: 4 + rows }, signal);
    return [
      noted({ what: '`node -e 0`', value: noRows.bare, unit: 'ms' }),
      lessThan(200, { what: '`nodepool list`, no rows', value: noRows.ours, unit: 'ms' }),
      noted({ what: '  of a bare `node`', value: noRows.ours / noRows.bare, unit: 'times' }),
      noted({ what: '  configuration of 100 labels × 20 providers', value: noRows.large, unit: 'ms' }),
      lessThan(300, { what: '`nodepool list`, 10,000 rows', value: allRows.ours, unit: 'ms' }),
      noted({ what: '  of a bare `node`', value: allRows.ours / allRows.bare, unit: 'times' }),
    ] satisfies readonly Measurement[];
  },
};

type Command = { readonly words: readonly string[]; readonly printsTable: boolean };

const BARE: Command = { words: ['-e', '0'], printsTable: false };

/** As `bin/nodepool` runs it. */
function listCommand(programs: Programs, folder: BenchFolder, farm: FarmSize): Command {
  const path = folder.in(`nodepool-${farm.labels}.yaml`);
  writeFileSync(path, farmYaml(farm));
  return { words: [programs.pathOf('nodepool'), '-c', path, 'list'], printsTable: true };
}

/** The median time of each, in turn, so that they share what else the machine does. */
async function measureCommands<Name extends string>(
  commands: Readonly<Record<Name, Command>>,
  { runs, lines }: { readonly runs: number; readonly lines: number },
  signal: AbortSignal,
): Promise<Readonly<Record<Name, number>>> {
  const names = Object.keys(commands) as Name[]; // keys of a record are its names
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let run = 0; run <= runs; run += 1) {
    for (const name of names) {
      const { wallMs } = await costOf(() => runOnce(commands[name], lines, signal));
      if (run > 0) times.get(name)?.push(wallMs); // the first one reads the files from the disk
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<Name, number>;
}

async function runOnce({ words, printsTable }: Command, lines: number, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let newlines = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) newlines += 1;
  });
  const [status] = (await once(child, 'close')) as unknown[];
  if (status !== 0) throw new Error(`"${words.join(' ')}" ended with status ${String(status)}`);
  if (printsTable && newlines !== lines) throw new Error(`The list has ${newlines} lines instead of ${lines}`);
}
