import type { Logger } from '../../src/runtime/logger.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { InstanceHost } from '../instances/instance-host.ts';
import { claimFolder } from '../instances/owner-claim.ts';
import { SshMachines } from '../jenkins/ssh-machines.ts';
import { type JenkinsStandIn, startJenkinsStandIn } from '../jenkins/start-jenkins-stand-in.ts';
import { InstancesBackend } from '../openstack/instances-backend.ts';
import type { MachineBackend } from '../openstack/machine-backend.ts';
import { NoMachinesBackend } from '../openstack/no-machines-backend.ts';
import { type OpenStackEmulator, startOpenStackEmulator } from '../openstack/start-openstack-emulator.ts';
import { ensureFarmKey } from './farm-keys.ts';
import {
  type FarmFolder,
  type FarmState,
  makeFarmFolder,
  readFarmPorts,
  writeFarmPorts,
  writeFarmState,
} from './farm-folder.ts';
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

/**
 * Starts the cloud, Jenkins and gearmand of a farm, taking over whatever an earlier process of this folder left running.
 * @throws {FarmError} the folder holds something else
 * @throws {FolderInUseError} another process serves it
 */
export async function serveFarm(folder: FarmFolder, options: FarmOptions, log: Logger): Promise<Farm> {
  makeFarmFolder(folder);
  const release = await claimFolder(folder.root);
  const gearmand = await ensureGearmand(folder);
  const host = options.machines ? await openMachines(folder, log) : undefined;
  const { cloud, machines } = await startCloud({ folder, host, log });
  const jenkins = await startJenkins(folder, { gearmanPort: gearmand.port, log });
  const state: FarmState = {
    pid: process.pid,
    gearmanPort: gearmand.port,
    authUrl: cloud.authUrl,
    jenkinsUrl: jenkins.url,
    zmqEndpoint: jenkins.zmqEndpoint,
    sshPort: host?.port ?? 22,
    machines: options.machines,
  };
  writeFarmPorts(folder, state);
  writeNodepoolFiles(folder, state);
  writeFarmState(folder, state); // last: it tells that all is there
  return {
    state,
    close: async () => {
      await jenkins.close();
      await cloud.close();
      await machines.close();
      await release();
    },
  };
}

async function startCloud({
  folder,
  host,
  log,
}: CloudParts): Promise<{ cloud: OpenStackEmulator; machines: Machines }> {
  const machines = openBackend({ folder, host, log });
  const deps = { clock: systemClock, randomness: systemRandomness, log, backend: machines.backend };
  return { cloud: await startOpenStackEmulator(cloudOptions(folder), deps), machines };
}

type Machines = { readonly backend: MachineBackend; readonly close: () => Promise<void> };

function openBackend({ folder, host, log }: CloudParts): Machines {
  if (host === undefined) return { backend: new NoMachinesBackend(), close: () => Promise.resolve() };
  const backend = new InstancesBackend(folder.backend, { host, log: log.child('machines') });
  return {
    backend,
    close: async () => {
      await backend.close();
      await host.close();
    },
  };
}

type CloudParts = { readonly folder: FarmFolder; readonly host: InstanceHost | undefined; readonly log: Logger };

async function startJenkins(folder: FarmFolder, parts: JenkinsParts): Promise<JenkinsStandIn> {
  const options = await jenkinsOptions(folder, parts.gearmanPort);
  const deps = { clock: systemClock, randomness: systemRandomness, log: parts.log, machines: new SshMachines() };
  return await startJenkinsStandIn(options, deps);
}

type JenkinsParts = { readonly gearmanPort: number; readonly log: Logger };

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

async function jenkinsOptions(
  folder: FarmFolder,
  gearmanPort: number,
): Promise<Parameters<typeof startJenkinsStandIn>[0]> {
  const privateKeyPath = await ensureFarmKey(folder);
  const { jenkins: port, zmq: zmqPort } = readFarmPorts(folder);
  return {
    stateDir: folder.jenkins,
    port,
    zmqPort,
    user: FARM_NAMES.jenkinsUser,
    apiToken: FARM_NAMES.jenkinsToken,
    gearman: { host: '127.0.0.1', port: gearmanPort },
    credentials: [{ id: FARM_NAMES.credentialsId, username: 'jenkins', privateKeyPath }],
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
