import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimFolder, FolderInUseError } from '../../devfarm/instances/owner-claim.ts';
import { sweepLeftovers } from '../../src/builder/leftovers.ts';
import { stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import { FAKE_DISK_IMAGE_CREATE } from './fake-disk-image-create.ts';

const SLOTS = 20;
const DEPS = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };

/** The folders of one farm, which no other run has. What a killed run left there is removed first. Dispose of it. */
export class ImageSlot implements AsyncDisposable {
  /** Of the farm; other users may pass through it. */
  readonly folder: string;
  readonly #root: string;
  readonly #release: () => Promise<void>;

  private constructor(root: string, release: () => Promise<void>) {
    this.#root = root;
    this.folder = join(root, 'farm');
    this.#release = release;
  }

  static async take(): Promise<ImageSlot> {
    for (let index = 0; index < SLOTS; index += 1) {
      const root = join(tmpdir(), `nodepool-crash-images-${process.getuid?.() ?? 0}-${index}`);
      mkdirSync(root, { recursive: true });
      const release = await claimFolder(root).catch(unlessInUse);
      if (release === undefined) continue;
      const slot = new ImageSlot(root, release);
      await slot.#removeFarm();
      slot.#makeFolders();
      return slot;
    }
    throw new Error(`Cannot begin: ${SLOTS} farms are being crashed on this machine already`);
  }

  /** Nodepool's own, with its Postgres. */
  get stateDir(): string {
    return join(this.folder, 'state');
  }

  get imagesDir(): string {
    return join(this.folder, 'images');
  }

  /** Where builds have their temporary files. */
  get tempDir(): string {
    return join(this.folder, 'tmp');
  }

  /** Where builds tell what they did. */
  get evidenceDir(): string {
    return join(this.folder, 'evidence');
  }

  /** With the stand-in for disk-image-create. */
  get programsDir(): string {
    return join(this.folder, 'bin');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#removeFarm();
    await this.#release();
    rmSync(this.#root, { recursive: true, force: true });
  }

  #makeFolders(): void {
    const { folder, tempDir, evidenceDir, programsDir } = this;
    for (const each of [folder, tempDir, evidenceDir, programsDir]) mkdirSync(each);
    chmodSync(this.#root, 0o755); // Postgres may run as another user, who must get through
    chmodSync(folder, 0o755);
    writeFileSync(join(programsDir, 'disk-image-create'), FAKE_DISK_IMAGE_CREATE, { mode: 0o755 });
  }

  async #removeFarm(): Promise<void> {
    if (existsSync(this.stateDir)) await stopManagedPostgres({ stateDir: this.stateDir }, DEPS, neverAborted);
    await sweepLeftovers([this.imagesDir, this.tempDir], DEPS);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function unlessInUse(error: unknown): undefined {
  if (error instanceof FolderInUseError) return undefined;
  throw error;
}
