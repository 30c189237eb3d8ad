import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runBuilder } from '../../src/assembly/run-builder.ts';
import { GearmanBuilderJobs } from '../../src/gearman/gearman-builder-jobs.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import { QueueStatusSource } from '../../src/gearman/queue-status-source.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { Wakeup } from '../../src/runtime/wakeup.ts';
import { aConfig, aProvider } from '../builders/a-config.ts';
import { aDiskImage } from '../builder/builder-bench.ts';
import { processesOf } from '../builder/left-by-builds.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { startGearmand } from '../peers/gearmand.ts';
import { until } from '../peers/until.ts';

test(
  'inside a daemon it begins when the configuration allows it, and leaves nothing of a build that it is stopped in',
  { timeout: 120_000 },
  async () => {
    await using gearmand = await startGearmand();
    using bench = aBench();
    const { deps, folder } = bench;
    using peers = aDaemon(gearmand, deps);
    const diskimages = [aDiskImage('echo half >$out.qcow2; echo "it hangs"; sleep 1000')];
    let config = aConfig({ diskimages, gearmanServers: [gearmand] });
    const [reload, stop] = [new Wakeup(systemClock), new AbortController()];
    const options = { reload, buildWorkers: 1, uploadWorkers: 1, drainMs: 50, isAlone: false };
    const ended = runBuilder({ ...options, config: () => config }, deps, stop.signal);
    await until(
      'it says why there is none',
      () => Promise.resolve(deps.log.messages('info').some((line) => line.startsWith('There is no builder here: '))),
      30_000,
    );

    config = { ...config, imagesDir: join(folder, 'images'), providers: [aProvider({ maxServers: 3 })] };
    reload.wake();
    await until(
      'it offers its work',
      async () => {
        const offers = await peers.jobs.offers(neverAborted);
        return offers?.diskimages.has('trusty') === true;
      },
      30_000,
    );
    const left = new AbortController();
    const built = peers.jobs.build({ diskimage: 'trusty', dibImageId: 7 }, left.signal).catch(() => undefined); // nobody does
    await until('it builds', () => Promise.resolve(deps.log.messages('info').includes('it hangs')), 30_000);
    stop.abort(new Error('Stopped'));
    await ended;

    expect(readdirSync(join(folder, 'images'))).toEqual([]);
    expect(processesOf(folder)).toEqual([]);
    left.abort(new Error('Over'));
    await built;
  },
);

/** A folder with a stand-in for disk-image-create, and what a builder is run with. */
function aBench() {
  const folder = mkdtempSync(join(tmpdir(), 'np-run-builder-'));
  mkdirSync(join(folder, 'bin'));
  const fake = '#!/bin/bash\nwhile [ $# -gt 0 ]; do case $1 in -o) out=$2 ;; esac; shift; done\neval "$BUILD"\n';
  writeFileSync(join(folder, 'bin/disk-image-create'), fake);
  chmodSync(join(folder, 'bin/disk-image-create'), 0o755);
  const nothing = (): void => undefined;
  const deps = {
    ...{
      clock: systemClock,
      randomness: systemRandomness,
      log: new RecordingLogger(),
      tasks: new TaskBoard(systemClock),
    },
    ...{ metrics: { diskImageBuilt: nothing }, onCloudCall: nothing },
    environment: { PATH: `${join(folder, 'bin')}:/usr/sbin:/usr/bin:/bin` },
  };
  return {
    ...{ folder, deps },
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function aDaemon(server: { readonly host: string; readonly port: number }, deps: ReturnType<typeof aBench>['deps']) {
  const client = new GearmanClient({ servers: [server], clientId: 'nodepool' }, deps);
  const queueStatus = new QueueStatusSource([server], deps);
  return {
    jobs: new GearmanBuilderJobs({ client, queueStatus, clock: systemClock }),
    [Symbol.dispose]: () => {
      void client.close();
      queueStatus.close();
    },
  };
}
