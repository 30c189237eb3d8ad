import { type Measurement, atLeast, atMost, noted, type Topic } from './measurement.ts';
import { BenchDaemon } from './rig/bench-daemon.ts';
import { BenchDatabase } from './rig/bench-database.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import { forgetCalls, readCalls } from './rig/cloud-calls.ts';
import { farmConfig, type FarmSize } from './rig/farm-text.ts';
import { fillImages } from './rig/fill-tables.ts';
import type { CloudAddress, CloudOptions } from './rig/openstack-process.ts';
import { costOf } from './rig/stopwatch.ts';
import { watchMost } from './rig/watch-most.ts';

/** Upstream 0.3.1 took 34 to 115 s for 500 nodes on a machine of this class: ten times its better rate. */
const LEAST_RATE = (10 * 500) / 34;
const COUNTS = [500, 1000];
const CALLS_COUNT = 200;

export const LAUNCHES: Topic = {
  name: 'launches',
  about: 'nodes building → ready → gone on the emulator without machines (rate 0.001, SSH faked, keys made ahead)',
  run: async (signal) => {
    using folder = new BenchFolder();
    const options: CloudOptions = { stateDir: folder.in('cloud'), timings: { buildMs: 1000 } };
    await using cloud = await ChildProgram.start<CloudAddress>('openstack-process', options);
    await using db = await BenchDatabase.open(folder.path, signal);
    const farm = new LaunchFarm(cloud.ready, db);
    await fillImages(farm.size, db, cloud.ready.imageId);
    const rows: Measurement[] = [];
    for (const count of COUNTS) rows.push(...(await measureLaunches(farm, count)));
    return [...rows, ...(await measureCalls(farm))];
  },
};

class LaunchFarm {
  readonly cloud: CloudAddress;
  readonly db: BenchDatabase;
  readonly size: FarmSize;

  constructor(cloud: CloudAddress, db: BenchDatabase) {
    this.cloud = cloud;
    this.db = db;
    this.size = { labels: 1, providers: 1, targets: 1, maxServers: 2000, minReady: 0, authUrl: cloud.authUrl };
  }

  startDaemon(): BenchDaemon {
    return new BenchDaemon(farmConfig(this.size), this.db);
  }

  /** Has the daemon keep so many nodes ready. */
  demand(daemon: BenchDaemon, minReady: number): void {
    daemon.use(farmConfig({ ...this.size, minReady }));
  }

  /** As `nodepool delete` does it. */
  async deleteAll(daemon: BenchDaemon): Promise<void> {
    this.demand(daemon, 0);
    const { nodes } = this.db.database;
    const all = await nodes.list();
    await Promise.all(all.map((node) => nodes.apply(node, 'deleted', { who: 'bench', why: 'Measured' })));
  }
}

async function measureLaunches(farm: LaunchFarm, count: number): Promise<readonly Measurement[]> {
  await using daemon = farm.startDaemon();
  const { mostOf, cost } = await watchMost(
    () => farm.db.connections(),
    () =>
      costOf(async () => {
        farm.demand(daemon, count);
        await daemon.untilAll('ready', count);
      }),
  );
  const gone = await costOf(async () => {
    await farm.deleteAll(daemon);
    await daemon.untilAll('ready', 0);
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

async function measureCalls(farm: LaunchFarm): Promise<readonly Measurement[]> {
  await using daemon = farm.startDaemon();
  await forgetCalls(farm.cloud);
  farm.demand(daemon, CALLS_COUNT);
  await daemon.untilAll('ready', CALLS_COUNT);
  await farm.deleteAll(daemon);
  await daemon.untilAll('ready', 0);
  const { total, calls } = await readCalls(farm.cloud);
  return [
    atMost(3, {
      what: `API calls per node, create → gone, ${CALLS_COUNT} nodes`,
      value: total / CALLS_COUNT,
      unit: '',
    }),
    ...Object.entries(calls).map(([kind, value]) => noted({ what: `  ${kind}`, value, unit: 'calls' })),
  ];
}
