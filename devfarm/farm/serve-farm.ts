import { mkdirSync } from 'node:fs';
import type { Logger } from '../../src/runtime/logger.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { InstanceHost } from '../instances/instance-host.ts';
import { SshMachines } from '../jenkins/ssh-machines.ts';
import { startJenkinsStandIn } from '../jenkins/start-jenkins-stand-in.ts';
import { InstancesBackend } from '../openstack/instances-backend.ts';
import type { MachineBackend } from '../openstack/machine-backend.ts';
import { NoMachinesBackend } from '../openstack/no-machines-backend.ts';
import { startOpenStackEmulator } from '../openstack/start-openstack-emulator.ts';
import { ensureFarmKey } from './farm-keys.ts';
import { type FarmFolder, type FarmState, readFarmState, writeFarmState } from './farm-folder.ts';
import { ensureGearmand } from './gearmand.ts';
import { FARM_NAMES, writeNodepoolFiles } from './nodepool-files.ts';

export type FarmOptions = {
  /** False: servers have nothing behind them, for load tests. */
  readonly machines: boolean;
};

/** A farm that runs in this process. */
export type Farm = {
  readonly state: FarmState;
  /** Ends what runs in this process; machines and gearmand run on, for the next process to take over. */
  close(): Promise<void>;
};

const BASE_IMAGE = 'debian';

/** Starts the cloud, Jenkins and gearmand of a farm, taking over whatever an earlier process of this folder left running. */
export async function serveFarm(folder: FarmFolder, options: FarmOptions, log: Logger): Promise<Farm> {
  mkdirSync(folder.root, { recursive: true });
  const before = readFarmState(folder);
  const privateKeyPath = await ensureFarmKey(folder);
  const gearmand = await ensureGearmand(
    folder,
    before === undefined ? undefined : { pid: before.gearmandPid, port: before.gearmanPort },
  );
  const host = options.machines ? await openMachines(folder, log) : undefined;
  const deps = { clock: systemClock, randomness: systemRandomness, log };
  const backend: MachineBackend =
    host === undefined
      ? new NoMachinesBackend()
      : new InstancesBackend(folder.backend, { host, log: log.child('machines') });
  const cloud = await startOpenStackEmulator(cloudOptions(folder), { ...deps, backend });
  const jenkins = await startJenkinsStandIn(jenkinsOptions(folder, { gearmanPort: gearmand.port, privateKeyPath }), {
    ...deps,
    machines: new SshMachines(),
  });
  const state: FarmState = {
    pid: process.pid,
    gearmandPid: gearmand.pid,
    gearmanPort: gearmand.port,
    authUrl: cloud.authUrl,
    jenkinsUrl: jenkins.url,
    zmqEndpoint: jenkins.zmqEndpoint,
    sshPort: host?.port ?? 22,
    machines: options.machines,
  };
  writeNodepoolFiles(folder, state);
  writeFarmState(folder, state);
  return {
    state,
    close: async () => {
      await jenkins.close();
      await cloud.close();
      await host?.[Symbol.asyncDispose]();
    },
  };
}

async function openMachines(folder: FarmFolder, log: Logger): Promise<InstanceHost> {
  const host = await InstanceHost.open({ stateDir: folder.instances }, { log: log.child('machines') });
  if (host.findImage(BASE_IMAGE) === undefined) await host.buildRootfs(BASE_IMAGE);
  return host;
}

function cloudOptions(folder: FarmFolder): Parameters<typeof startOpenStackEmulator>[0] {
  return {
    stateDir: folder.cloud,
    projects: [{ name: FARM_NAMES.project, quota: { instances: 50, cores: 200 } }],
    users: [{ name: FARM_NAMES.cloudUser, password: FARM_NAMES.cloudPassword, projects: [FARM_NAMES.project] }],
    images: [{ name: BASE_IMAGE, machineRef: BASE_IMAGE, properties: { os_distro: 'debian' } }],
    timings: { buildMs: 100, deleteMs: 50, snapshotMs: 100, rebootMs: 50, powerMs: 50 },
  };
}

function jenkinsOptions(
  folder: FarmFolder,
  parts: { readonly gearmanPort: number; readonly privateKeyPath: string },
): Parameters<typeof startJenkinsStandIn>[0] {
  return {
    stateDir: folder.jenkins,
    user: FARM_NAMES.jenkinsUser,
    apiToken: FARM_NAMES.jenkinsToken,
    gearman: { host: '127.0.0.1', port: parts.gearmanPort },
    credentials: [{ id: FARM_NAMES.credentialsId, username: 'jenkins', privateKeyPath: parts.privateKeyPath }],
    jobs: [
      {
        name: FARM_NAMES.job,
        label: FARM_NAMES.label,
        // Tells where it ran; SLEEP makes it last.
        command: 'hostname; cat /etc/image-mark /etc/node-mark; sleep "${SLEEP:-1}"',
        parameters: { SLEEP: '1' },
      },
    ],
    // The plugin binds at the first event, which nobody hears; a farm to look at should not lose its first job's start.
    bindZmqLate: false,
    timing: { retryWaitMs: 500 },
  };
}
