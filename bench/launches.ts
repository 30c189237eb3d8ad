import { atLeast, atMost, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { BenchFarm } from './rig/bench-farm.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { forgetCalls, readCalls } from './rig/cloud-calls.ts';
import { costOf } from './rig/stopwatch.ts';
import { watchMost } from './rig/watch-most.ts';

/** Upstream 0.3.1 took 34 to 115 s for 500 nodes on a machine of this class: ten times its better rate. */
const LEAST_RATE = (10 * 500) / 34;

type Scale = { readonly launches: readonly number[]; readonly counted: number };

const SCALES: Readonly<Record<Size, Scale>> = {
  full: { launches: [500, 1000], counted: 200 },
  tiny: { launches: [10], counted: 5 },
};

export const LAUNCHES: Topic = {
  name: 'launches',
  about: 'nodes building → ready → gone on the emulator without machines (rate 0.001, SSH faked, keys made ahead)',
  run: async (size, signal) => {
    using folder = new BenchFolder();
    await using farm = await BenchFarm.open({}, folder, signal);
    const rows: Measurement[] = [];
    for (const count of SCALES[size].launches) rows.push(...(await measureLaunches(farm, count, signal)));
    return [...rows, ...(await measureCalls(farm, SCALES[size].counted, signal))];
  },
};

async function measureLaunches(farm: BenchFarm, count: number, signal: AbortSignal): Promise<readonly Measurement[]> {
  await using daemon = farm.startDaemon();
  const { mostOf, cost } = await watchMost(
    () => farm.db.connections(),
    () =>
      costOf(async () => {
        farm.demand(daemon, count);
        await farm.db.untilAll('ready', count, signal);
      }),
  );
  const gone = await costOf(async () => {
    await farm.deleteAll(daemon);
    await farm.db.untilAll('ready', 0, signal);
  });
  return [
    atLeast(LEAST_RATE, { what: `${count} nodes: building → ready`, value: (1000 * count) / cost.wallMs, unit: '/s' }),
    noted({ what: '  time for all of them', value: cost.wallMs / 1000, unit: 's' }),
    noted({ what: '  CPU of the daemon for each', value: cost.cpuMs / count, unit: 'ms' }),
    atMost(10, { what: '  most database connections', value: mostOf, unit: '' }),
    noted({ what: `${count} nodes: deleted → gone`, value: (1000 * count) / gone.wallMs, unit: '/s' }),
    noted({ what: '  CPU of the daemon for each', value: gone.cpuMs / count, unit: 'ms' }),
  ];
}

async function measureCalls(farm: BenchFarm, count: number, signal: AbortSignal): Promise<readonly Measurement[]> {
  await using daemon = farm.startDaemon();
  await forgetCalls(farm.cloud);
  farm.demand(daemon, count);
  await farm.db.untilAll('ready', count, signal);
  await farm.deleteAll(daemon);
  await farm.db.untilAll('ready', 0, signal);
  const { total, calls } = await readCalls(farm.cloud);
  return [
    atMost(3, {
      what: `API calls per node, create → gone, ${count} nodes`,
      value: total / count,
      unit: '',
    }),
    ...Object.entries(calls).map(([kind, value]) => noted({ what: `  ${kind}`, value, unit: 'calls' })),
  ];
}
