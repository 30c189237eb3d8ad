import { BuildLog } from '../runtime/build-log.ts';
import { asError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { OutputCleaner } from '../runtime/output-cleaner.ts';
import { Secret } from '../runtime/secret.ts';
import type { Build, BuildDeps } from './build.ts';

/** So much may wait for the disk; what comes meanwhile is not kept. */
const MAX_WAITING_CHARS = 4 * 1024 * 1024;
/** Variables that hold secrets, by their names. */
const SECRET_NAME = /PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY/i;

/**
 * What the setup script of one build says: without secrets to its logger, and to its file where `build-log-dir` is set. Open
 * it before anything is made in the cloud: without its log nothing is built, as with disk images.
 */
export class SetupOutput implements AsyncDisposable {
  readonly #log: Logger;
  readonly #file: BuildLog | undefined;
  readonly #cleaner: OutputCleaner;
  #written: Promise<void> = Promise.resolve();
  #waitingChars = 0;
  #lost = 0;
  #failure: Error | undefined;

  private constructor(log: Logger, file: BuildLog | undefined, cleaner: OutputCleaner) {
    this.#log = log;
    this.#file = file;
    this.#cleaner = cleaner;
  }

  /** @throws {Error} the file cannot be written */
  static async open({ row, provider, image, buildLog }: Build, deps: OutputDeps): Promise<SetupOutput> {
    const name = `${provider.name}.${image.name}`;
    const file = buildLog === undefined ? undefined : await BuildLog.open({ name, number: row.id }, buildLog);
    return new SetupOutput(deps.outputLog, file, new OutputCleaner(secretsIn(deps.scriptEnvironment)));
  }

  /** @throws {Error} the file could not be written */
  take(line: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const clean of this.#cleaner.clean([line])) {
      this.#log.info(clean);
      this.#keep(clean);
    }
  }

  /** The text as it may be shown. */
  redact(text: string): string {
    return this.#cleaner.redact(text);
  }

  /**
   * Resolves when all is written.
   * @throws {Error} it cannot be
   */
  async written(): Promise<void> {
    await this.#written;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written;
    await this.#file?.[Symbol.asyncDispose]();
  }

  /** The machine does not wait for our disk. */
  #keep(line: string): void {
    if (this.#file === undefined) return;
    if (this.#waitingChars > MAX_WAITING_CHARS) {
      this.#lost += 1;
      return;
    }
    const gap = this.#lost === 0 ? '' : `${this.#lost} lines are not here: the disk was too slow\n`;
    this.#lost = 0;
    this.#waitingChars += line.length;
    this.#written = this.#written.then(() => this.#write(gap + line, line.length));
  }

  async #write(text: string, chars: number): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#file?.write(text);
    } catch (error) {
      this.#failure = asError(error);
    }
    this.#waitingChars -= chars;
  }
}

type OutputDeps = Pick<BuildDeps, 'outputLog' | 'scriptEnvironment'>;

function secretsIn(environment: Readonly<Record<string, string>>): readonly Secret[] {
  const secret = Object.entries(environment).filter(([name]) => SECRET_NAME.test(name));
  return secret.map(([, value]) => new Secret(value));
}
