import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { BenchDaemon } from '../../bench/rig/bench-daemon.ts';
import { BENCH_ACCOUNT } from '../../bench/rig/farm-text.ts';
import type { EmulatorOptionsInput } from '../../devfarm/openstack/emulator-options.ts';
import type { JenkinsStandIn } from '../../devfarm/jenkins/start-jenkins-stand-in.ts';
import { leakPassDeps } from '../../src/assembly/pass-deps.ts';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { Node } from '../../src/node/node.ts';
import { runCleanupPass } from '../../src/pool/cleanup-pass.ts';
import { runLeakPass } from '../../src/pool/leaks/leak-pass.ts';
import { type Clock, withDeadline } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { makeTestDatabase, type TestDatabase } from '../../test/db/test-database.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import { LoopWatch } from '../../test/faults/loop-watch.ts';
import { startIdleJenkins } from '../../test/faults/idle-jenkins.ts';
import { Bell } from '../../test/integration/bell.ts';
import { CleanupStack } from '../../test/integration/cleanup-stack.ts';
import { startGearmand } from '../../test/peers/gearmand.ts';
import { FaultLoad } from '../fault-load.ts';
import { CLOUD_ACCOUNT, CloudPeer, IMAGE_IDS } from './cloud-peer.ts';

/** Labels, and the providers that serve them. */
export const LABELS = ['sick', 'well'] as const;
/** Two sightings of a leak are at least so far apart. */
const BETWEEN_CLEANUPS_MS = 3_600_000;
const JOB_MS = 2_000;
/** Longer than a call to a healthy cloud takes on a busy machine, and long enough to be seen in a loop that waits for it. */
const API_TIMEOUT_S = 12;

export type CloudFarmOptions = {
  readonly postgresHost: string;
  readonly clock: Clock;
  readonly minReady: number;
  readonly maxServers: number;
  /** How long a job runs. Default 2 s. */
  readonly jobMs?: number;
  /** Of the sick cloud. */
  readonly emulator?: Partial<EmulatorOptionsInput>;
  /** Done to the sick cloud before the daemon begins. */
  readonly prepare?: (sick: CloudPeer) => Promise<void>;
};

type Parts = {
  readonly sick: CloudPeer;
  readonly well: CloudPeer;
  readonly database: Database;
  readonly tables: TestDatabase;
  readonly daemon: BenchDaemon;
  readonly jenkins: JenkinsStandIn;
  readonly config: Config;
  readonly load: FaultLoad;
  readonly log: RecordingLogger;
  readonly loops: LoopWatch;
};

/**
 * All of the daemon but SSH, with two emulated clouds: label `sick` comes from provider `sick`, `well` from `well`. Gearmand,
 * Postgres and ZeroMQ are real. Dispose of it.
 */
export class CloudFaultFarm implements AsyncDisposable {
  readonly clock: Clock;
  readonly parts: Parts;
  readonly #bell = new Bell();
  readonly #cleanups: CleanupStack;

  private constructor(parts: Parts, clock: Clock, cleanups: CleanupStack) {
    this.parts = parts;
    this.clock = clock;
    this.#cleanups = cleanups;
    parts.database.onChange(() => {
      this.#bell.ring();
    });
  }

  static async start(options: CloudFarmOptions): Promise<CloudFaultFarm> {
    const cleanups = new CleanupStack();
    try {
      return new CloudFaultFarm(await startAll(options, cleanups), options.clock, cleanups);
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  /** Looks after each change of a row until `look` gives something. @throws {DeadlineExceededError} it does not, by the farm's clock */
  async until<T>(what: string, ms: number, look: () => Promise<T | undefined>): Promise<T> {
    const lookAtAll = async (): Promise<T | undefined> => {
      this.parts.loops.look();
      return await look();
    };
    return await withDeadline({ what, ms }, { clock: this.clock }, (signal) => this.#bell.until(lookAtAll, signal));
  }

  async rows(): Promise<readonly Node[]> {
    return await this.parts.database.nodes.list();
  }

  /** What `cleanup` does by its cron, twice. */
  async cleanUpTwice(): Promise<void> {
    const { database, daemon, log } = this.parts;
    for (const laterMs of [0, BETWEEN_CLEANUPS_MS]) {
      const clock: Clock = {
        now: () => this.clock.now(),
        sleep: (ms, signal) => this.clock.sleep(ms, signal),
        monotonicMs: () => this.clock.monotonicMs() + laterMs,
      };
      await runCleanupPass({ nodes: database.nodes, clock, log, maxHoldAgeMs: () => 0 });
      await runLeakPass({ ...leakPassDeps(daemon.daemon), clock }, neverAborted);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }
}

async function startAll(options: CloudFarmOptions, cleanups: CleanupStack): Promise<Parts> {
  const { clock } = options;
  const folder = mkdtempSync(join(tmpdir(), 'np-cloud-faults-'));
  cleanups.add(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    return Promise.resolve();
  });
  const gearmand = await startGearmand();
  cleanups.add(() => gearmand.kill());
  const [sick, well] = await Promise.all(
    LABELS.map((name) =>
      CloudPeer.start(join(folder, name), name === 'sick' ? (options.emulator ?? {}) : {}, { clock }),
    ),
  );
  if (sick === undefined || well === undefined) throw new Error('There are two clouds');
  for (const cloud of [sick, well]) cleanups.add(() => cloud[Symbol.asyncDispose]());
  const jenkins = await startIdleJenkins({
    ...{ stateDir: join(folder, 'jenkins'), gearmanPort: gearmand.port, jobMs: options.jobMs ?? JOB_MS, clock },
    jobs: LABELS.map((label) => ({ name: `gate-${label}`, label })),
  });
  cleanups.add(() => jenkins.close('kill'));
  await options.prepare?.(sick);
  const log = new RecordingLogger();
  const tasks = new TaskBoard(clock);
  const deps = { clock, randomness: systemRandomness, log, tasks };
  const { database, tables } = await openTables(options.postgresHost, deps, cleanups);
  const config = readConfig({ ...options, sick, well, jenkins, gearmanPort: gearmand.port });
  const daemon = new BenchDaemon(config, database, deps);
  cleanups.add(() => daemon[Symbol.asyncDispose]());
  const load = new FaultLoad(gearmand.port, clock);
  cleanups.add(() => load[Symbol.asyncDispose]());
  return { sick, well, database, tables, daemon, jenkins, config, load, log, loops: new LoopWatch(tasks, clock) };
}

async function openTables(
  host: string,
  deps: Parameters<typeof openDatabase>[1],
  cleanups: CleanupStack,
): Promise<Pick<Parts, 'database' | 'tables'>> {
  const tables = await makeTestDatabase(host);
  cleanups.add(async () => {
    await tables[Symbol.asyncDispose]();
  });
  const database = await openDatabase({ url: tables.url, program: 'nodepoold' }, deps, neverAborted);
  cleanups.add(() => database.close());
  for (const provider of LABELS) {
    for (const [n, id] of IMAGE_IDS.entries()) {
      await tables.query(
        `insert into snapshot_image (provider_name, image_name, hostname, version, external_id, state, state_time)
         values ($1, 'image', 'template', $2, $3, 2, 1)`,
        [provider, n + 1, id],
      );
    }
  }
  return { database, tables };
}

type Peers = Pick<CloudFarmOptions, 'minReady' | 'maxServers'> &
  Pick<Parts, 'sick' | 'well' | 'jenkins'> & { readonly gearmanPort: number };

function readConfig(peers: Peers): Config {
  const text = stringify(configOf(peers));
  const { config, faults } = parseConfig({ yaml: { path: 'faults.yaml', text }, environment: {} });
  if (config === undefined) throw new Error(`The farm's own configuration is wrong: ${JSON.stringify(faults[0])}`);
  return config;
}

function configOf(peers: Peers): unknown {
  const { user, password, project } = CLOUD_ACCOUNT;
  const { jenkins, gearmanPort, minReady, maxServers } = peers;
  const image = { name: 'image', 'base-image': 'base-0', 'min-ram': 512, username: 'jenkins' };
  return {
    'script-dir': '/nowhere',
    cron: { 'image-update': '0 0 1 1 *', check: '0 0 1 1 *', cleanup: '0 0 1 1 *' },
    'gearman-servers': [{ host: '127.0.0.1', port: gearmanPort }],
    'zmq-publishers': [jenkins.zmqEndpoint],
    labels: LABELS.map((name) => ({ name, image: 'image', 'min-ready': minReady, providers: [{ name }] })),
    providers: LABELS.map((name) => ({
      ...{ name, 'auth-url': peers[name].authUrl, username: user, password, 'project-name': project },
      ...{ 'region-name': 'RegionOne', networks: [{ name: 'private' }], pool: 'public', 'max-servers': maxServers },
      ...{ rate: 0.001, 'api-timeout': API_TIMEOUT_S, 'launch-timeout': 120, 'launch-retries': 1 },
      images: [{ ...image, 'private-key': '/nowhere/key' }],
    })),
    targets: [
      {
        ...{ name: 'ci', rate: 0.001, hostname: '{label.name}-{provider.name}-{node_id}' },
        jenkins: { url: jenkins.url, user: BENCH_ACCOUNT.user, apikey: BENCH_ACCOUNT.token, 'credentials-id': 'key' },
      },
    ],
  };
}
