import { writeFileSync } from 'node:fs';
import { systemClock } from '../src/runtime/clock.ts';
import { lessThan, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { BenchFarm } from './rig/bench-farm.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import type { DaemonProcessOptions } from './rig/daemon-process.ts';
import { type FarmSize, farmYaml } from './rig/farm-text.ts';
import { fillNodes } from './rig/fill-tables.ts';
import type { JenkinsOptions } from './rig/jenkins-process.ts';
import type { ManyAgentsOptions } from './rig/many-agents-process.ts';
import { forgetMost, memoryOf } from './rig/process-memory.ts';
import { Programs } from './rig/programs.ts';
import { RunningDaemon } from './rig/running-daemon.ts';

type Scale = {
  readonly rows: number;
  readonly launches: number;
  /** Long enough for several passes of each loop but reconciliation, which runs at the start. */
  readonly settleMs: number;
};

const SCALES: Readonly<Record<Size, Scale>> = {
  full: { rows: 10_000, launches: 1000, settleMs: 30_000 },
  tiny: { rows: 10, launches: 5, settleMs: 500 },
};
const LARGE: Partial<FarmSize> = { labels: 100, providers: 20, targets: 1, maxServers: 1000 };
const LIMIT_MIB = 200;

export const MEMORY: Topic = {
  name: 'memory',
  about: 'resident memory of the daemon: idle; with 10,000 nodes in use; while and after it launches 1,000 nodes',
  run: async (size, signal) => {
    const scale = SCALES[size];
    using programs = await Programs.build(['daemon-process'], signal);
    const idle = await measureRows(programs, { ...scale, rows: 0 }, signal);
    const full = await measureRows(programs, scale, signal);
    const launching = await measureLaunching(programs, scale, signal);
    return [
      noted({ what: '`nodepoold`, idle', value: idle.nowMib, unit: 'MiB' }),
      lessThan(LIMIT_MIB, { what: '`nodepoold`, 10,000 nodes', value: full.nowMib, unit: 'MiB' }),
      lessThan(LIMIT_MIB, { what: '  most since its start', value: full.mostMib, unit: 'MiB' }),
      ...launching,
    ];
  },
};

/** The real program with a database of so many nodes in use, all of them agents of one Jenkins. */
async function measureRows(programs: Programs, { rows, settleMs }: Scale, signal: AbortSignal) {
  using folder = new BenchFolder();
  const options: ManyAgentsOptions = { agents: rows };
  await using jenkins = await ChildProgram.start<string>('many-agents-process', { options }, signal);
  const large = rows === 0 ? {} : LARGE;
  await using farm = await BenchFarm.open({ ...large, jenkinsUrls: [jenkins.ready] }, folder, signal);
  if (rows > 0) await fillNodes(farm.size, farm.db, { count: rows, states: [3] });
  const path = folder.in('nodepool.yaml');
  writeFileSync(path, farmYaml({ ...farm.size, databaseUrl: farm.db.url.reveal() }));
  await using daemon = await RunningDaemon.start(
    { name: 'nodepoold', program: programs.pathOf('nodepoold'), configPath: path },
    signal,
  );
  await systemClock.sleep(settleMs, signal);
  return memoryOf(daemon.pid);
}

/** The daemon but for SSH; what Jenkins must be told of each node included. */
async function measureLaunching(
  programs: Programs,
  { launches, settleMs }: Scale,
  signal: AbortSignal,
): Promise<readonly Measurement[]> {
  using folder = new BenchFolder();
  const jenkinsOptions: JenkinsOptions = { stateDir: folder.in('jenkins') };
  await using jenkins = await ChildProgram.start<string>('jenkins-process', { options: jenkinsOptions }, signal);
  await using farm = await BenchFarm.open({ jenkinsUrls: [jenkins.ready] }, folder, signal);
  const options: DaemonProcessOptions = { databaseUrl: farm.db.url.reveal(), farm: farm.size };
  const builtPath = programs.rigPathOf('daemon-process');
  await using daemon = await ChildProgram.start('daemon-process', { options, builtPath }, signal);
  await systemClock.sleep(settleMs / 3, signal);
  const before = memoryOf(daemon.pid);
  forgetMost(daemon.pid);
  await daemon.ask('demand', launches);
  await farm.db.untilAll('ready', launches, signal);
  await farm.db.untilRegistered(launches, signal);
  const { mostMib } = memoryOf(daemon.pid);
  await systemClock.sleep(settleMs, signal);
  return [
    noted({ what: 'daemon without SSH, idle', value: before.nowMib, unit: 'MiB' }),
    lessThan(LIMIT_MIB, { what: `  most while it launches ${launches} nodes`, value: mostMib, unit: 'MiB' }),
    noted({ what: '  30 s later', value: memoryOf(daemon.pid).nowMib, unit: 'MiB' }),
  ];
}
