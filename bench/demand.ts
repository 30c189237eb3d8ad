import { startGearmand } from '../test/peers/gearmand.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { systemRandomness } from '../src/runtime/randomness.ts';
import { lessThan, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { median } from './percentile.ts';
import { BenchFarm } from './rig/bench-farm.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import { numbers } from './rig/farm-text.ts';
import { until } from './rig/until.ts';
import type { ZuulOptions } from './rig/zuul-process.ts';

const SAMPLES: Readonly<Record<Size, number>> = { full: 20, tiny: 1 };
/** The daemon looks that often while jobs wait and while none does; a job may come at any moment between. */
const BUSY_POLL_MS = 1000;
const IDLE_POLL_MS = 2000;
const PATIENCE_MS = 60_000;

export const DEMAND: Topic = {
  name: 'demand',
  about: 'a job enters a real gearmand → the create call for its node reaches the cloud; one job after the other',
  run: async (size, signal) => {
    const samples = SAMPLES[size];
    using folder = new BenchFolder();
    await using gearmand = await startGearmand();
    const options: ZuulOptions = { gearmanPort: gearmand.port };
    await using zuul = await ChildProgram.start('zuul-process', { options }, signal);
    // A label for each job: the node of the one before would be there already.
    await using farm = await BenchFarm.open({ labels: 2 * samples + 1, ...options }, folder, signal);
    await using _daemon = farm.startDaemon();
    const labels = numbers(2 * samples + 1).map((n) => `label-${n}`);
    const idle = await measureJobs({ farm, zuul, labels: labels.slice(0, samples), pollMs: IDLE_POLL_MS }, signal);
    await createCallFor(labels.at(-1) ?? '', { farm, zuul }, signal); // it waits from now on
    const busy = await measureJobs({ farm, zuul, labels: labels.slice(samples, -1), pollMs: BUSY_POLL_MS }, signal);
    return [...rowsOf('the queue was empty', idle), ...rowsOf('other jobs wait', busy)];
  },
};

type Peers = { readonly farm: BenchFarm; readonly zuul: ChildProgram<unknown> };
type Series = Peers & { readonly labels: readonly string[]; readonly pollMs: number };

async function measureJobs({ labels, pollMs, ...peers }: Series, signal: AbortSignal): Promise<readonly number[]> {
  const took: number[] = [];
  for (const label of labels) {
    // The daemon sees that the last job is gone, and goes on polling for a while.
    await systemClock.sleep(BUSY_POLL_MS + 200 + pollMs * systemRandomness.fraction(), signal);
    took.push(await createCallFor(label, peers, signal));
    await peers.zuul.ask('finish', label);
  }
  return took;
}

/** Milliseconds from the job's submission to the create call. */
async function createCallFor(label: string, { farm, zuul }: Peers, signal: AbortSignal): Promise<number> {
  const before = (await createCalls(farm)).length;
  const submittedMs = await zuul.ask<number>('submit', label);
  const created: number[] = [];
  await until(`the create call for ${label}`, { ms: PATIENCE_MS, signal }, async () => {
    created.push(...(await createCalls(farm)).slice(before));
    return created.length > 0;
  });
  return (created[0] ?? NaN) - submittedMs;
}

async function createCalls(farm: BenchFarm): Promise<readonly number[]> {
  return (await farm.serverCalls()).filter(({ method }) => method === 'POST').map(({ atMs }) => atMs);
}

function rowsOf(when: string, tookMs: readonly number[]): readonly Measurement[] {
  return [
    lessThan(1.5, { what: `job → create call, ${when}, p50`, value: median(tookMs) / 1000, unit: 's' }),
    noted({ what: '  fastest', value: Math.min(...tookMs) / 1000, unit: 's' }),
    noted({ what: '  slowest', value: Math.max(...tookMs) / 1000, unit: 's' }),
  ];
}
