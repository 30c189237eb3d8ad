import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DibImage, buildName } from '../image/dib-image.ts';
import { describeError } from '../runtime/errors.ts';
import { makeFolders } from '../runtime/make-folders.ts';

/** A build that says more is in a loop; the disk is for images. */
const MAX_BYTES = 256 * 1024 * 1024;

export type BuildLogPlace = {
  readonly dir: string;
  /** How many are kept of each disk image. */
  readonly retention: number;
};

/** The file with the output of one build (`build-log-dir`). Close it by disposing of it. */
export class BuildLog implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  #bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Opens the file and removes those of builds long past. A second try of a build goes on in the same file.
   * @throws {Error} it cannot be written
   */
  static async open(build: Pick<DibImage, 'diskimage' | 'id'>, place: BuildLogPlace): Promise<BuildLog> {
    const path = join(place.dir, `${fileName(buildName(build))}.log`);
    try {
      makeFolders(place.dir);
      const file = await open(path, 'a', 0o640);
      await removeOld(build.diskimage, place);
      return new BuildLog(path, file);
    } catch (error) {
      throw new Error(`Cannot write the build log "${path}": ${describeError(error)}`, { cause: error });
    }
  }

  async write(line: string): Promise<void> {
    const bytes = Buffer.from(`${line}\n`);
    const before = this.#bytes;
    this.#bytes += bytes.length;
    if (this.#bytes <= MAX_BYTES) await this.#file.writeFile(bytes);
    else if (before <= MAX_BYTES) await this.#file.writeFile('The log is full: the rest of the output is not kept\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

async function removeOld(diskimage: string, { dir, retention }: BuildLogPlace): Promise<void> {
  const prefix = `${fileName(diskimage)}-`;
  const isOurs = (name: string): boolean =>
    name.startsWith(prefix) && /^\d{10,}[.]log$/.test(name.slice(prefix.length));
  const newestFirst = (await readdir(dir)).filter(isOurs).sort().reverse();
  for (const name of newestFirst.slice(Math.max(retention, 1))) await rm(join(dir, name), { force: true });
}

function fileName(name: string): string {
  return name.replaceAll('/', '_');
}
