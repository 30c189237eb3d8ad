import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const MAX_BYTES = 1024 * 1024;

/** The console output of builds, one file each; what is longer than 1 MiB is cut off. */
export class ConsoleLogs {
  readonly #folder: string;
  readonly #bytes = new Map<string, number>();

  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'console');
    mkdirSync(this.#folder, { recursive: true });
  }

  append(buildId: string, text: string): void {
    const bytes = this.#bytes.get(buildId) ?? 0;
    if (bytes >= MAX_BYTES) return;
    appendFileSync(this.#pathOf(buildId), text);
    this.#bytes.set(buildId, bytes + Buffer.byteLength(text));
  }

  /** Nothing more comes of that build. */
  end(buildId: string): void {
    this.#bytes.delete(buildId);
  }

  read(buildId: string): string {
    const path = this.#pathOf(buildId);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  remove(buildId: string): void {
    rmSync(this.#pathOf(buildId), { force: true });
  }

  #pathOf(buildId: string): string {
    return join(this.#folder, `${encodeURIComponent(buildId)}.txt`);
  }
}
