import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudAddress, CloudOptions } from '../crash/rig/cloud-process.ts';
import { CrashDatabase } from '../crash/rig/crash-database.ts';
import { CrashPrograms } from '../crash/rig/crash-programs.ts';
import { CrashSlot } from '../crash/rig/crash-slot.ts';
import { startPeer } from '../crash/rig/peer-process.ts';
import { SshMachines } from '../devfarm/jenkins/ssh-machines.ts';
import { type JenkinsStandIn, startJenkinsStandIn } from '../devfarm/jenkins/start-jenkins-stand-in.ts';
import type { Database } from '../src/db/database.ts';
import { ensureManagedPostgres } from '../src/db/managed-postgres.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { systemRandomness } from '../src/runtime/randomness.ts';
import { neverAborted } from '../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../test/fakes/recording-logger.ts';
import { CleanupStack } from '../test/integration/cleanup-stack.ts';
import { writeFarmScripts } from '../test/integration/farm-config.ts';
import { LoggedProcess } from '../test/integration/logged-process.ts';
import { startGearmand } from '../test/peers/gearmand.ts';
import { makeSshKeyPair } from '../test/peers/ssh-key-pair.ts';
import { LABELS, TARGETS, writeFaultConfig } from './fault-config.ts';
import { type Endpoints, openProxies, type Proxies } from './proxies.ts';

const COMMAND = 'sleep 1';
/** So short that each fault of Keystone meets logins. */
const TOKEN_MS = 20_000;

/**
 * A farm in which label `east` comes from provider `east` and `west` from `west`, with two Jenkins: real machines, gearmand,
 * Postgres and the built daemon. All that the daemon needs for east, ci-1, the database, gearmand and all build events go
 * through proxies. Dispose of it.
 */
export class FaultFarm implements AsyncDisposable {
  readonly proxies: Proxies;
  readonly daemon: LoggedProcess;
  readonly gearmanPort: number;
  readonly jenkins: readonly JenkinsStandIn[];
  readonly tables: Database;
  readonly #cleanups: CleanupStack;

  private constructor(parts: Parts & { readonly daemon: LoggedProcess }, cleanups: CleanupStack) {
    this.proxies = parts.proxies;
    this.daemon = parts.daemon;
    this.gearmanPort = parts.endpoints.gearmanPort;
    this.jenkins = parts.jenkins;
    this.tables = parts.database.tables;
    this.#cleanups = cleanups;
  }

  static async start(): Promise<FaultFarm> {
    const cleanups = new CleanupStack();
    try {
      const parts = await startPeers(cleanups);
      const daemon = await startDaemon(parts, cleanups);
      return new FaultFarm({ ...parts, daemon }, cleanups);
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }
}

type Parts = {
  readonly folder: string;
  readonly stateDir: string;
  readonly programs: CrashPrograms;
  readonly endpoints: Endpoints;
  readonly proxies: Proxies;
  readonly jenkins: readonly JenkinsStandIn[];
  readonly database: CrashDatabase;
};

async function startPeers(cleanups: CleanupStack): Promise<Parts> {
  const slot = await CrashSlot.take();
  cleanups.add(() => slot[Symbol.asyncDispose]());
  const programs = await CrashPrograms.build();
  cleanups.add(() => {
    programs[Symbol.dispose]();
    return Promise.resolve();
  });
  const { folder, stateDir, machines } = slot;
  writeKeysAndScripts(folder);
  const cloud = await startCloud(slot, programs, cleanups);
  const gearmand = await startGearmand();
  cleanups.add(() => gearmand.kill());
  const jenkins = await Promise.all(TARGETS.map((name) => startJenkins(name, folder, gearmand.port)));
  cleanups.add(async () => {
    await Promise.all(jenkins.map((each) => each.close('kill')));
  });
  const database = await CrashDatabase.start(stateDir);
  cleanups.add(() => database[Symbol.asyncDispose]());
  const endpoints: Endpoints = {
    ...{ cloud, gearmanPort: gearmand.port, sshPort: machines.port ?? 22 },
    jenkins: jenkins.map(({ url, zmqEndpoint }) => ({ url, zmqEndpoint })),
    postgresSocket: join(await socketFolder(stateDir), '.s.PGSQL.5432'),
  };
  const proxies = await openProxies(endpoints, cleanups);
  return { folder, stateDir, programs, endpoints, proxies, jenkins, database };
}

function writeKeysAndScripts(folder: string): void {
  const keys = makeSshKeyPair();
  writeFileSync(join(folder, 'key'), keys.private, { mode: 0o600 });
  writeFileSync(join(folder, 'key.pub'), keys.public);
  mkdirSync(join(folder, 'scripts'));
  mkdirSync(join(folder, 'tmp'));
  writeFarmScripts(folder);
}

/** Where the managed database listens. */
async function socketFolder(stateDir: string): Promise<string> {
  const deps = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };
  const url = await ensureManagedPostgres({ stateDir }, deps, neverAborted);
  return new URLSearchParams(url.reveal().split('?')[1]).get('host') ?? '';
}

async function startCloud(
  slot: CrashSlot,
  programs: CrashPrograms,
  cleanups: CleanupStack,
): Promise<Endpoints['cloud']> {
  const options: CloudOptions = {
    machines: slot.machines,
    serversDir: join(slot.folder, 'servers'),
    stateDir: join(slot.folder, 'openstack'),
    tokenLifetimeMs: TOKEN_MS,
  };
  const { process: cloud, address } = await startPeer<CloudAddress>(
    programs.rig('cloud-process'),
    options,
    slot.folder,
  );
  cleanups.add(() => cloud.kill());
  return { identity: new URL(address.authUrl).origin, compute: address.origin, image: address.imageOrigin };
}

async function startJenkins(name: string, folder: string, gearmanPort: number): Promise<JenkinsStandIn> {
  return await startJenkinsStandIn(
    {
      ...{ stateDir: join(folder, name), bindZmqLate: false, user: 'nodepool', apiToken: 'a-token' },
      ...{ managerName: name, gearman: { host: '127.0.0.1', port: gearmanPort } },
      credentials: [{ id: 'node-key', username: 'jenkins', privateKeyPath: join(folder, 'key') }],
      jobs: LABELS.map((label) => ({ name: `gate-${label}`, label, command: COMMAND })),
      timing: { retryWaitMs: 1_000, removalMs: 200, relaunchMs: 2_000 },
    },
    { machines: new SshMachines(), clock: systemClock, log: new RecordingLogger(), randomness: systemRandomness },
  );
}

async function startDaemon(parts: Parts, cleanups: CleanupStack): Promise<LoggedProcess> {
  const { folder, stateDir, programs, endpoints, proxies } = parts;
  writeFaultConfig(folder, endpoints, proxies);
  const [config, secure] = [join(folder, 'nodepool.yaml'), join(folder, 'secure.conf')];
  const daemon = new LoggedProcess([...programs.daemon, '-d', '-c', config, '-s', secure], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      TMPDIR: join(folder, 'tmp'), // for the profiles that a signal to show its tasks also makes
      OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'),
      NODEPOOL_STATE_DIR: stateDir,
      NODEPOOL_SSH_KEY: readFileSync(join(folder, 'key.pub'), 'utf8').trim(),
    },
  });
  cleanups.add(() => daemon.kill());
  await daemon.logged(/Nodepool is running/);
  return daemon;
}
