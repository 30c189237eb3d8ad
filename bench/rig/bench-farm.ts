import { BenchDaemon } from './bench-daemon.ts';
import { BenchDatabase } from './bench-database.ts';
import type { BenchFolder } from './bench-folder.ts';
import { ChildProgram } from './child-program.ts';
import { farmConfig, type FarmSize, numbers, projectOf } from './farm-text.ts';
import { fillImages } from './fill-tables.ts';
import type { CloudAddress, CloudOptions, ServerCall } from './openstack-process.ts';

/** One label, one provider, one target; servers boot within a second. */
const SMALL: FarmSize = { labels: 1, providers: 1, targets: 1, maxServers: 2000, minReady: 0 };
const BOOT_MS = 1000;

/** A database and a cloud in which every image is ready, for daemons that launch nodes. */
export class BenchFarm implements AsyncDisposable {
  readonly cloud: CloudAddress;
  readonly db: BenchDatabase;
  readonly size: FarmSize;
  readonly #cloud: ChildProgram<CloudAddress>;

  private constructor(cloud: ChildProgram<CloudAddress>, db: BenchDatabase, size: FarmSize) {
    this.#cloud = cloud;
    this.cloud = cloud.ready;
    this.db = db;
    this.size = { ...size, authUrl: cloud.ready.authUrl };
  }

  static async open(size: Partial<FarmSize>, folder: BenchFolder, signal: AbortSignal): Promise<BenchFarm> {
    const { providers = 1, hasOwnProjects = false } = size;
    const options: CloudOptions = {
      ...{ stateDir: folder.in('cloud'), timings: { buildMs: BOOT_MS } },
      ...(hasOwnProjects && { projectNames: numbers(providers).map(projectOf) }),
    };
    const cloud = await ChildProgram.start<CloudAddress>('openstack-process', { options }, signal);
    try {
      const db = await BenchDatabase.open(folder.path, signal);
      const farm = new BenchFarm(cloud, db, { ...SMALL, ...size });
      await fillImages(farm.size, db, cloud.ready.imageId);
      return farm;
    } catch (error) {
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
  }

  startDaemon(): BenchDaemon {
    return new BenchDaemon(farmConfig(this.size), this.db.database);
  }

  /** Has the daemon keep so many nodes of each label ready. */
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

  /** All create and delete calls that the cloud got. */
  async serverCalls(): Promise<readonly ServerCall[]> {
    return await this.#cloud.ask<readonly ServerCall[]>('serverCalls');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db[Symbol.asyncDispose]();
    await this.#cloud[Symbol.asyncDispose]();
  }
}
