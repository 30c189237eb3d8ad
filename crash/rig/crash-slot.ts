import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InstanceHost } from '../../devfarm/instances/instance-host.ts';
import { claimFolder, FolderInUseError } from '../../devfarm/instances/owner-claim.ts';
import { findWildcardListener } from '../../devfarm/instances/port-listeners.ts';
import { stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import { BASE_IMAGE } from '../../test/peers/instance-host.ts';
import type { CloudOptions } from './cloud-process.ts';

const SLOTS = 20;
/** Networks 127.221 to 127.240: other tests have machines below. */
const FIRST_NETWORK = 221;
const GIB = 2 ** 30;

/** A folder and a network for one farm, which no other run has. What a killed run left there is ended first. */
export class CrashSlot implements AsyncDisposable {
  readonly machines: CloudOptions['machines'];
  /** Of the farm; other users may pass through it. */
  readonly folder: string;
  readonly #release: () => Promise<void>;

  private constructor(machines: CloudOptions['machines'], folder: string, release: () => Promise<void>) {
    this.machines = machines;
    this.folder = folder;
    this.#release = release;
  }

  static async take(): Promise<CrashSlot> {
    const port = (await findWildcardListener(22)) === undefined ? undefined : 10_022;
    for (let index = 0; index < SLOTS; index += 1) {
      const root = `${roomyFolder()}/nodepool-crash-${process.getuid?.() ?? 0}-${index}`;
      mkdirSync(root, { recursive: true });
      const release = await claimFolder(root).catch(unlessInUse);
      if (release === undefined) continue;
      const network = `127.${FIRST_NETWORK + index}`;
      const machines = { stateDir: join(root, 'machines'), network, ...(port !== undefined && { port }) };
      const slot = new CrashSlot(machines, join(root, 'farm'), release);
      await slot.#prepare();
      return slot;
    }
    throw new Error(`Cannot begin: ${SLOTS} farms are being crashed on this machine already`);
  }

  /** Nodepool's own, with its Postgres. */
  get stateDir(): string {
    return join(this.folder, 'state');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const host = await InstanceHost.open(this.machines, { log: new RecordingLogger() });
    await host.destroyAll();
    await this.#removeFarm();
    await this.#release();
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }

  async #prepare(): Promise<void> {
    await this.#removeFarm();
    const host = await InstanceHost.open(this.machines, { log: new RecordingLogger() });
    for (const { id } of host.list()) await host.delete(id);
    for (const { name } of host.listImages()) await host.deleteImage(name);
    await host.buildRootfs(BASE_IMAGE);
    await host.close(); // the cloud's process takes it over
    mkdirSync(this.folder);
    chmodSync(this.folder, 0o755); // Postgres may run as another user, who must get through
  }

  async #removeFarm(): Promise<void> {
    const deps = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };
    if (existsSync(this.stateDir)) await stopManagedPostgres({ stateDir: this.stateDir }, deps, neverAborted);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function unlessInUse(error: unknown): undefined {
  if (error instanceof FolderInUseError) return undefined;
  throw error;
}

/** In memory where machines can run there and there is room: thousands of files are made and deleted. */
function roomyFolder(): string {
  const options = /^\S+ \/dev\/shm tmpfs (\S+)/m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]?.split(',');
  if (options === undefined || options.includes('noexec') || options.includes('nosuid')) return '/var/tmp';
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize > 2 * GIB ? '/dev/shm' : '/var/tmp';
}
