import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchDaemon } from '../../bench/rig/bench-daemon.ts';
import { BENCH_ACCOUNT, farmConfig } from '../../bench/rig/farm-text.ts';
import { NoMachinesBackend } from '../../devfarm/openstack/no-machines-backend.ts';
import { startOpenStackEmulator } from '../../devfarm/openstack/start-openstack-emulator.ts';
import { zuulParameters } from '../../scripts/demonstration/zuul-parameters.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import type { Node } from '../../src/node/node.ts';
import { systemClock, withDeadline } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { makeTestDatabase } from '../db/test-database.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { Bell } from '../integration/bell.ts';
import { CleanupStack } from '../integration/cleanup-stack.ts';
import { startGearmand } from '../peers/gearmand.ts';
import { startIdleJenkins } from './idle-jenkins.ts';

const LABEL = 'label-1';
const IMAGE_ID = '21008f49-e8aa-4f6f-9f10-613ce2764531';
const PATIENCE_MS = 40_000;

export type EmulatedFarmOptions = {
  readonly postgresHost: string;
  readonly minReady: number;
  readonly maxServers: number;
  /** How long a job runs. */
  readonly jobMs: number;
};

/**
 * All of the daemon but SSH, with real gearmand, Postgres and ZeroMQ, the emulator without machines, and the Jenkins
 * stand-in whose jobs do nothing for a while. Dispose of it.
 */
export class EmulatedFarm implements AsyncDisposable {
  readonly database: Database;
  readonly log: RecordingLogger;
  /** Most rows at once since the start. */
  mostNodes = 0;
  readonly #bell = new Bell();
  readonly #cleanups: CleanupStack;
  readonly #zuul: GearmanClient;

  private constructor(
    parts: { database: Database; log: RecordingLogger; zuul: GearmanClient },
    cleanups: CleanupStack,
  ) {
    this.database = parts.database;
    this.log = parts.log;
    this.#zuul = parts.zuul;
    this.#cleanups = cleanups;
    cleanups.add(() => parts.zuul.close());
    parts.database.onChange(() => {
      this.#bell.ring();
    });
  }

  static async start(options: EmulatedFarmOptions): Promise<EmulatedFarm> {
    const cleanups = new CleanupStack();
    try {
      return await startAll(options, cleanups, (parts) => new EmulatedFarm(parts, cleanups));
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  /** Submits a job as Zuul does; gives its result. */
  async submit(): Promise<string> {
    const unique = systemRandomness.hex(16);
    const data = JSON.stringify(zuulParameters(unique, 1));
    const job = { function: `build:gate:${LABEL}`, unique, data, deadlineMs: PATIENCE_MS };
    return (await this.#zuul.submit(job, neverAborted)).type;
  }

  /** Waits until that many nodes are ready and no others are there. */
  async untilReady(count: number): Promise<void> {
    await this.#until(`${count} nodes to be ready`, (nodes) => {
      const ready = nodes.filter(({ state, registeredAt }) => state === 'ready' && registeredAt !== undefined);
      return nodes.length === count && ready.length === count;
    });
  }

  /** Waits until the first job runs. */
  async untilBusy(): Promise<void> {
    await this.#until('a job to run', (nodes) => nodes.some(({ state }) => state === 'used'));
  }

  /** Looks after each change, and notes the most rows. */
  async #until(what: string, isDone: (nodes: readonly Node[]) => boolean): Promise<void> {
    const look = async (): Promise<true | undefined> => {
      const nodes = await this.database.nodes.list();
      this.mostNodes = Math.max(this.mostNodes, nodes.length);

      return isDone(nodes) ? true : undefined;
    };
    const wait = withDeadline({ what, ms: PATIENCE_MS }, { clock: systemClock }, (signal) =>
      this.#bell.until(look, signal),
    );
    await wait.catch(async (error: unknown) => {
      const nodes = (await this.database.nodes.list()).map(
        ({ id, state, step }) => `node ${id}: ${state} ${step ?? ''}`,
      );
      const said = this.log.entries.slice(-25).map(({ level, message }) => `${level} ${message}`);
      throw new Error([String(error), ...nodes, '--- log', ...said].join('\n'), { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }
}

type Parts = { readonly database: Database; readonly log: RecordingLogger; readonly zuul: GearmanClient };

async function startAll<T>(
  options: EmulatedFarmOptions,
  cleanups: CleanupStack,
  build: (parts: Parts) => T,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'np-burst-'));
  cleanups.add(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    return Promise.resolve();
  });
  const log = new RecordingLogger();
  const deps = { clock: systemClock, randomness: systemRandomness, log, tasks: new TaskBoard(systemClock) };
  const gearmand = await startGearmand();
  cleanups.add(() => gearmand.kill());
  const { user, password, project } = BENCH_ACCOUNT;
  const emulator = await startOpenStackEmulator(
    {
      stateDir: join(folder, 'cloud'),
      ...{ projects: [{ name: project }], users: [{ name: user, password, projects: [project] }] },
      images: [{ name: 'base-test', id: IMAGE_ID }],
      timings: { buildMs: 100, deleteMs: 20, deletedVisibleMs: 0 },
    },
    { ...deps, backend: new NoMachinesBackend() },
  );
  cleanups.add(() => emulator.close());
  const jenkins = await startIdleJenkins({
    ...{ stateDir: join(folder, 'jenkins'), gearmanPort: gearmand.port, jobMs: options.jobMs },
    jobs: [{ name: 'gate', label: LABEL }],
  });
  cleanups.add(() => jenkins.close('kill'));
  const own = await makeTestDatabase(options.postgresHost);
  cleanups.add(async () => {
    await own[Symbol.asyncDispose]();
  });
  const database = await openDatabase({ url: own.url, program: 'nodepoold' }, deps, neverAborted);
  cleanups.add(() => database.close());
  await own.query(
    `insert into snapshot_image (provider_name, image_name, hostname, version, external_id, state, state_time)
     values ('provider-1', 'image-1', 'template', 1, $1, 2, 1)`,
    [IMAGE_ID],
  );

  const config = farmConfig({
    ...{ labels: 1, providers: 1, targets: 1, maxServers: options.maxServers, minReady: options.minReady },
    ...{ authUrl: emulator.authUrl, jenkinsUrls: [jenkins.url], gearmanPort: gearmand.port },
    zmqEndpoint: jenkins.zmqEndpoint,
  });
  const daemon = new BenchDaemon(config, database, deps);
  cleanups.add(() => daemon[Symbol.asyncDispose]());

  const servers = [{ host: gearmand.host, port: gearmand.port }];
  return build({ database, log, zuul: new GearmanClient({ servers, clientId: 'Zuul RPC Client' }, deps) });
}
