import { chmod, mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import PQueue from 'p-queue';
import { asError } from '../../src/runtime/errors.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { type HostMode, UnfitMachineError } from './host-mode.ts';
import { asDiskFull, type Program, runProgram } from './run-program.ts';

const OVERLAYFS_MAGIC = 0x794c7630; // linux/magic.h

/**
 * Where everything lives:
 * ```
 * layers/l-…        folders, never changed once named   (.….part being made, .….gone being removed)
 * images/NAME       JSON: layers from top to base
 * instances/i-…/    record.json  seed/  upper/ work/ merged/  console.log  [init] [frozen]
 * last-address  owner
 * ```
 */
export class StateFolder {
  readonly path: string;
  readonly mode: HostMode;
  readonly #turns = new PQueue({ concurrency: 1 });

  constructor(path: string, mode: HostMode) {
    this.path = resolve(path);
    this.mode = mode;
  }

  /** Makes what is missing; call it when the folder is claimed. @throws {UnfitMachineError} it cannot hold layers */
  async prepare(): Promise<void> {
    for (const part of [this.layers, this.images, this.instances]) await mkdir(part, { recursive: true });
    await chmod(this.path, 0o700); // instances may make setuid files, which no other user of the host may run
    await this.#requireOverlay();
  }

  /** Removes everything but the claim. */
  async empty(): Promise<void> {
    const names = (await readdir(this.path)).filter((name) => name !== 'owner' && !name.startsWith('.owner-'));
    await this.remove(...names.map((name) => join(this.path, name)));
  }

  get layers(): string {
    return join(this.path, 'layers');
  }

  get images(): string {
    return join(this.path, 'images');
  }

  get instances(): string {
    return join(this.path, 'instances');
  }

  /** One after another: naming, address and reference changes. A layer and its image appear together, say. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await this.#turns.add(work);
  }

  /** Runs a program that owns every uid found in the folder. */
  async runAsOwner(program: Program): Promise<string> {
    const { userNamespace } = this.mode;
    const prefix = userNamespace.length === 0 ? [] : ['unshare', ...userNamespace, '--'];
    return await runProgram({ cwd: this.path, ...program, argv: [...prefix, ...program.argv] });
  }

  /** The same, in a mount namespace of its own: its mounts end with it. */
  async runWithMounts(program: Program): Promise<string> {
    const argv = ['unshare', ...this.mode.userNamespace, '--mount', '--', ...program.argv];
    return await runProgram({ cwd: this.path, ...program, argv });
  }

  /** For root: in mount and process namespaces of its own, all of which end with it, also when it or we are killed. */
  async runInBox(program: Program): Promise<string> {
    const box = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
    return await runProgram({ cwd: this.path, ...program, argv: [...box, ...program.argv] });
  }

  /** A file appears whole or not at all. @throws {DiskFullError} */
  async writeWhole(file: string, text: string): Promise<void> {
    const aside = join(dirname(file), `.${basename(file)}.${systemRandomness.hex(4)}`);
    try {
      await writeFile(aside, text);
      await rename(aside, file);
    } catch (error) {
      await rm(aside, { force: true });
      throw asDiskFull(asError(error));
    }
  }

  /** Removes folders whole, also those that uids of a user namespace own. Safe to repeat. */
  async remove(...paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    await this.runAsOwner({ argv: ['rm', '-rf', '--', ...paths], purpose: 'remove files', timeoutMs: 600_000 });
  }

  /** Neither an upper folder nor a layer (whiteouts) can lie on an overlay, which is what a container's own disk is. */
  async #requireOverlay(): Promise<void> {
    const where = `"${this.path}"`;
    if ((await statfs(this.path)).type === OVERLAYFS_MAGIC) {
      throw new UnfitMachineError(
        `Cannot keep instances in ${where}: it is on an overlay file system; use a volume or a tmpfs`,
      );
    }
    const probe = join(this.path, `.probe-${systemRandomness.hex(4)}`);
    const argv = ['sh', '-ec', TRY_OVERLAY, '-', probe, this.mode.overlayOptions];
    try {
      await this.runWithMounts({ argv, purpose: 'mount an overlay', timeoutMs: 10_000 });
    } catch (cause) {
      throw new UnfitMachineError(
        `Cannot keep instances in ${where}: its file system, or this kernel, does not allow an overlay there`,
        { cause },
      );
    } finally {
      await this.remove(probe);
    }
  }
}

// Deleting a file of the lower folder makes a whiteout: not every file system can hold one.
const TRY_OVERLAY = `
mkdir "$1" "$1/lower" "$1/upper" "$1/work" "$1/sum"
: >"$1/lower/file"
mount -t overlay overlay -o "volatile,lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work,$2" "$1/sum"
rm "$1/sum/file"
`;
