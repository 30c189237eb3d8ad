import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { lessThan, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import type { FarmSize } from './rig/farm-text.ts';
import type { CloudAddress, CloudOptions } from './rig/openstack-process.ts';
import { forgetMost, memoryOf, type ProcessMemory } from './rig/process-memory.ts';
import { Programs } from './rig/programs.ts';
import type { Cost } from './rig/stopwatch.ts';
import type { UploadProcessOptions } from './rig/upload-process.ts';

const MIB = 2 ** 20;
const SIZES_MIB: Readonly<Record<Size, number>> = { full: 1024, tiny: 4 };
const FARM: FarmSize = { labels: 1, providers: 1, targets: 0, maxServers: 1, minReady: 0 };
const LIMIT_MIB = 100;

export const UPLOAD: Topic = {
  name: 'upload',
  about: 'a sparse raw file of 1 GiB from a process with one provider to the emulator, which keeps its sums only',
  run: async (size, signal) => {
    const mib = SIZES_MIB[size];
    using folder = new BenchFolder();
    using programs = await Programs.build(['upload-process'], signal);
    const path = folder.in('image.raw');
    makeSparseFile(path, mib * MIB);
    const cloudOptions: CloudOptions = { stateDir: folder.in('cloud'), keepImageData: false };
    await using cloud = await ChildProgram.start<CloudAddress>('openstack-process', { options: cloudOptions }, signal);
    const options: UploadProcessOptions = { farm: { ...FARM, authUrl: cloud.ready.authUrl }, path };
    const builtPath = programs.rigPathOf('upload-process');
    await using uploader = await ChildProgram.start('upload-process', { options, builtPath }, signal);
    const before = memoryOf(uploader.pid);
    forgetMost(uploader.pid); // to start takes more than to upload
    const cost = await uploader.ask<Cost>('upload');
    return rowsOf({ mib, cost, before, after: memoryOf(uploader.pid) });
  },
};

type Figures = {
  readonly mib: number;
  readonly cost: Cost;
  readonly before: ProcessMemory;
  readonly after: ProcessMemory;
};

function rowsOf({ mib, cost, before, after }: Figures): readonly Measurement[] {
  return [
    lessThan(LIMIT_MIB, {
      what: 'process with one provider: most while it uploads',
      value: after.mostMib,
      unit: 'MiB',
    }),
    noted({ what: '  before that', value: before.nowMib, unit: 'MiB' }),
    noted({ what: '  most at its start', value: before.mostMib, unit: 'MiB' }),
    noted({ what: `upload of ${mib} MiB`, value: mib / (cost.wallMs / 1000), unit: 'MiB/s' }),
    noted({ what: '  CPU for each GiB', value: (cost.cpuMs * 1024) / mib, unit: 'ms' }),
  ];
}

function makeSparseFile(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
}
