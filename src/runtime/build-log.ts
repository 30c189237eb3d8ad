import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from './errors.ts';
import { makeFolders } from './make-folders.ts';

/** A build that says more is in a loop; the disk is for images. */
const MAX_BYTES = 256 * 1024 * 1024;
/** So many digits a number has at least, which keeps files in their order. */
const DIGITS = 10;

export type BuildLogPlace = {
  readonly dir: string;
  /** How many are kept of each name. */
  readonly retention: number;
};

/** The file with the output of one build (`build-log-dir`): `NAME-0000000007.log`. Close it by disposing of it. */
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
  static async open(
    build: { readonly name: string; readonly number: number },
    place: BuildLogPlace,
  ): Promise<BuildLog> {
    const path = join(place.dir, `${fileName(build.name)}-${String(build.number).padStart(DIGITS, '0')}.log`);
    try {
      makeFolders(place.dir);
      const file = await open(path, 'a', 0o640);
      await removeOld(build.name, place);
      return new BuildLog(path, file);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  /** @throws {Error} it cannot be written */
  async write(line: string): Promise<void> {
    const bytes = Buffer.from(`${line}\n`);
    const before = this.#bytes;
    this.#bytes += bytes.length;
    try {
      if (this.#bytes <= MAX_BYTES) await this.#file.writeFile(bytes);
      else if (before <= MAX_BYTES) await this.#file.writeFile('The log is full: the rest of the output is not kept\n');
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

function cannotWrite(path: string, error: unknown): Error {
  return new Error(`Cannot write the build log "${path}": ${describeError(error)}`, { cause: error });
}

async function removeOld(name: string, { dir, retention }: BuildLogPlace): Promise<void> {
  const prefix = `${fileName(name)}-`;
  const isOurs = (file: string): boolean =>
    file.startsWith(prefix) && /^\d{10,}[.]log$/.test(file.slice(prefix.length));
  const newestFirst = (await readdir(dir)).filter(isOurs).sort().reverse();
  for (const file of newestFirst.slice(Math.max(retention, 1))) await rm(join(dir, file), { force: true });
}

function fileName(name: string): string {
  return name.replaceAll('/', '_');
}
