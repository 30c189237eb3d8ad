import type { Daemon } from '../src/assembly/daemon.ts';
import { dibPassDeps, imagePassDeps } from '../src/assembly/pass-deps.ts';
import { runDibPass } from '../src/dib/dib-pass.ts';
import { runImagePass } from '../src/snapshot/image-pass.ts';
import { atMost, lessThan, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { median } from './percentile.ts';
import { BenchDatabase } from './rig/bench-database.ts';
import { benchDeps } from './rig/bench-deps.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { farmConfig, type FarmSize } from './rig/farm-text.ts';
import { fillFailed, fillReady, forgetImages } from './rig/fill-images.ts';
import { openDaemon } from './rig/open-daemon.ts';
import { StatementCounter } from './rig/statement-counter.ts';
import { costOf } from './rig/stopwatch.ts';

type Scale = { readonly images: number; readonly providers: number; readonly passes: number };
type Kind = 'snapshot' | 'disk image';
type Pass = (daemon: Daemon, signal: AbortSignal) => Promise<void>;

const SCALES: Readonly<Record<Size, Scale>> = {
  full: { images: 20, providers: 8, passes: 30 },
  tiny: { images: 2, providers: 2, passes: 3 },
};
const MOST_STATEMENTS = 5;
const MOST_CPU_MS = 50;

/** Both loops look at all images, whichever kind they are. */
const PASSES: readonly (readonly [string, Pass])[] = [
  ['snapshot pass', (daemon, signal) => runImagePass(imagePassDeps(daemon, true), signal)],
  ['disk image pass', (daemon, signal) => runDibPass(dibPassDeps(daemon, true), signal)],
];

export const IMAGES: Topic = {
  name: 'images',
  about: 'one pass over 20 images in 8 providers: all there with the one before each, and all failed a moment ago',
  run: async (size, signal) => {
    using folder = new BenchFolder();
    await using db = await BenchDatabase.open(folder.path, signal);
    const rows: Measurement[] = [];
    for (const kind of ['snapshot', 'disk image'] as const) {
      for (const life of ['ready', 'failed'] as const) {
        await fill({ kind, life, size }, db);
        rows.push(...(await measure({ kind, life, size }, db, signal)));
      }
    }
    return rows;
  },
};

type Case = { readonly kind: Kind; readonly life: 'ready' | 'failed'; readonly size: Size };

async function fill({ kind, life, size }: Case, db: BenchDatabase): Promise<void> {
  const farm = farmOf(kind, SCALES[size]);
  await forgetImages(db);
  if (life === 'ready') await fillReady(farm, db);
  else await fillFailed(farm, db);
}

function farmOf(kind: Kind, { images, providers }: Scale): FarmSize {
  const imagesBy = kind === 'disk image' ? 'diskimage' : 'setup';
  return { labels: images, providers, targets: 0, maxServers: 10, minReady: 1, imagesBy };
}

async function measure(
  { kind, life, size }: Case,
  db: BenchDatabase,
  signal: AbortSignal,
): Promise<readonly Measurement[]> {
  const scale = SCALES[size];
  await using open = openDaemon(farmConfig(farmOf(kind, scale)), db.database, benchDeps());
  const rows: Measurement[] = [];
  for (const [name, pass] of PASSES) {
    const { cpuMs, wallMs, statements } = await costOfPass(() => pass(open.daemon, signal), scale.passes, signal);
    const what = `${scale.images} ${kind}s × ${scale.providers} providers, all ${life}: ${name}`;
    rows.push(
      lessThan(MOST_CPU_MS, { what, value: cpuMs, unit: 'ms CPU' }),
      noted({ what: '  wall time', value: wallMs, unit: 'ms' }),
      atMost(MOST_STATEMENTS, { what: '  SQL statements', value: statements, unit: '' }),
    );
  }
  return rows;
}

/** Of the last two thirds, which find warm code. */
async function costOfPass(pass: () => Promise<void>, times: number, signal: AbortSignal) {
  const runs = [];
  for (let run = 0; run < times; run += 1) {
    signal.throwIfAborted();
    using counter = new StatementCounter();
    const cost = await costOf(pass);
    runs.push({ ...cost, statements: counter.count + counter.notifications });
  }
  const warm = runs.slice(Math.floor(times / 3));
  return {
    cpuMs: median(warm.map(({ cpuMs }) => cpuMs)),
    wallMs: median(warm.map(({ wallMs }) => wallMs)),
    statements: Math.max(...warm.map(({ statements }) => statements)),
  };
}
