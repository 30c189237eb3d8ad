import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { execa, type ResultPromise } from 'execa';
import * as z from 'zod';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const STAGES = fileURLToPath(new URL('../../../devfarm/instances/', import.meta.url));

const Answer = z.object({
  result: z.string().optional(),
  error: z.string().optional(),
  kind: z.string().optional(),
  port: z.int().optional(),
});
export type Verb = 'build' | 'boot' | 'snapshot' | 'import' | 'files' | 'destroy';
export type Answer = z.output<typeof Answer>;

/** The program of killable-host-program.ts as one file, beside the stages it boots, as devfarm is shipped. */
export class HostProgram implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async bundle(): Promise<HostProgram> {
    const folder = await mkdtemp(join(tmpdir(), 'nph-'));
    await chmod(folder, 0o755); // a plain user runs it too
    await build({
      entryPoints: [join(HERE, 'killable-host-program.ts')],
      outfile: join(folder, 'host.mjs'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      // Some bundled packages still call require().
      banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
      logLevel: 'error',
    });
    for (const stage of ['instance-boot.sh', 'instance-init.sh'])
      await copyFile(join(STAGES, stage), join(folder, stage));
    return new HostProgram(folder);
  }

  /** The words that start it. */
  command(options: { stateDir: string; network: string; port?: number; cacheDir?: string }): readonly string[] {
    return [process.execPath, join(this.#folder, 'host.mjs'), JSON.stringify(options)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const PIPED = { stdin: 'pipe', reject: false, buffer: false } as const;

/** A running host program. It can be killed at any moment. */
export class KillableHost {
  readonly #process: ResultPromise<typeof PIPED>;
  readonly #lines: AsyncIterator<string>;

  constructor(argv: readonly string[]) {
    const [file = 'false', ...args] = argv;
    this.#process = execa(file, args, PIPED);
    this.#lines = this.#process.iterable({ from: 'stdout' })[Symbol.asyncIterator]();
  }

  /** The next line it says; the first says how it opened. */
  async next(): Promise<Answer> {
    const line = await this.#lines.next();
    if (line.done === true) return { error: 'The program ended' };
    return Answer.parse(JSON.parse(line.value));
  }

  order(verb: Verb, argument: string, key = ''): void {
    this.#process.stdin.write(`${JSON.stringify({ verb, argument, key })}\n`);
  }

  async ask(verb: Verb, argument: string, key = ''): Promise<Answer> {
    this.order(verb, argument, key);
    return await this.next();
  }

  /** kill -9, and waits for its end. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process;
  }
}
