import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { GearmanBuilderJobs } from '../src/gearman/gearman-builder-jobs.ts';
import { GearmanClient } from '../src/gearman/gearman-client.ts';
import { QueueStatusSource } from '../src/gearman/queue-status-source.ts';
import type { BuilderJobs } from '../src/image/builder-jobs.ts';
import { startGearmand } from '../test/peers/gearmand.ts';
import { lessThan, type Measurement, noted, type Topic } from './measurement.ts';
import { benchDeps } from './rig/bench-deps.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import { type FarmSize, farmYaml } from './rig/farm-text.ts';
import type { CloudAddress, CloudOptions } from './rig/openstack-process.ts';
import { cpuMsOf } from './rig/process-cpu.ts';
import { forgetMost, memoryOf, type ProcessMemory } from './rig/process-memory.ts';
import { Programs } from './rig/programs.ts';
import { RunningDaemon } from './rig/running-daemon.ts';
import { costOf } from './rig/stopwatch.ts';
import { until } from './rig/until.ts';

const MIB = 2 ** 20;
const TINY_MIB = 4;
const FARM: FarmSize = { labels: 1, providers: 1, targets: 0, maxServers: 1, minReady: 0, imagesBy: 'diskimage' };
const LIMIT_MIB = 150;
const OFFERED_MS = 60_000;
const BUILD_ID = 1;

export const UPLOAD: Topic = {
  name: 'upload',
  about: 'a sparse file of 2 GiB (--mib) from nodepool-builder to the emulator, which keeps its sums only',
  run: async (size, signal, options) => {
    const mib = size === 'tiny' ? TINY_MIB : options.mib;
    using folder = new BenchFolder();
    using programs = await Programs.build([], signal);
    await using gearmand = await startGearmand();
    const cloudOptions: CloudOptions = { stateDir: folder.in('cloud'), keepImageData: false };
    await using cloud = await ChildProgram.start<CloudAddress>('openstack-process', { options: cloudOptions }, signal);
    mkdirSync(folder.in('images'));
    makeSparseFile(folder.in(`images/${BUILD_ID}.qcow2`), mib * MIB);
    const text = farmYaml({ ...FARM, authUrl: cloud.ready.authUrl, gearmanPort: gearmand.port });
    const configPath = folder.in('nodepool.yaml');
    writeFileSync(configPath, `${text}images-dir: ${folder.in('images')}\n`);
    const program = programs.pathOf('nodepool-builder');
    await using builder = await RunningDaemon.start({ name: 'nodepool-builder', program, configPath }, signal);
    return await measure(builder.pid, { mib, gearmand }, signal);
  },
};

type Sending = { readonly mib: number; readonly gearmand: { readonly host: string; readonly port: number } };

async function measure(pid: number, { mib, gearmand }: Sending, signal: AbortSignal): Promise<readonly Measurement[]> {
  const deps = benchDeps();
  const client = new GearmanClient({ servers: [gearmand], clientId: 'nodepool' }, deps);
  const queueStatus = new QueueStatusSource([gearmand], deps);
  try {
    const jobs = new GearmanBuilderJobs({ client, queueStatus, clock: deps.clock });
    await until('the builder to offer its file', { ms: OFFERED_MS, signal }, async () => {
      return (await jobs.offers(signal))?.dibImageIds.has(BUILD_ID) === true;
    });
    const [before, cpuBeforeMs] = [memoryOf(pid), cpuMsOf(pid)];
    forgetMost(pid); // to start takes more than to upload
    const { wallMs } = await costOf(() => upload(jobs, signal));
    return rowsOf({ mib, wallMs, cpuMs: cpuMsOf(pid) - cpuBeforeMs, before, after: memoryOf(pid) });
  } finally {
    await client.close();
    queueStatus.close();
  }
}

async function upload(jobs: Pick<BuilderJobs, 'upload'>, signal: AbortSignal): Promise<void> {
  const place = { provider: 'provider-1', image: 'image-1', cloudName: 'bench' };
  await jobs.upload({ dibImageId: BUILD_ID, ...place, properties: {} }, signal);
}

type Figures = {
  readonly mib: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly before: ProcessMemory;
  readonly after: ProcessMemory;
};

function rowsOf({ mib, wallMs, cpuMs, before, after }: Figures): readonly Measurement[] {
  return [
    lessThan(LIMIT_MIB, { what: `\`nodepool-builder\`: most while it uploads`, value: after.mostMib, unit: 'MiB' }),
    noted({ what: '  before that', value: before.nowMib, unit: 'MiB' }),
    noted({ what: '  most at its start', value: before.mostMib, unit: 'MiB' }),
    noted({ what: `upload of ${mib} MiB`, value: mib / (wallMs / 1000), unit: 'MiB/s' }),
    noted({ what: '  CPU of the builder for each GiB', value: (cpuMs * 1024) / mib, unit: 'ms' }),
  ];
}

function makeSparseFile(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
}
