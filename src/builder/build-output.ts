import { StringDecoder } from 'node:string_decoder';
import type { Logger } from '../runtime/logger.ts';
import { OutputCleaner } from '../runtime/output-cleaner.ts';
import type { Secret } from '../runtime/secret.ts';

/** So much of a line is kept to look for secrets; what follows up to its end is dropped. */
const MAX_LINE_CHARS = 64 * 1024;
const TAIL_LINES = 5;
const TAIL_CHARS = 300;

/** What `bash -x` prints before a command, with the time that diskimage-builder puts before that. */
const TRACE = /^(?:\S+ \S+ \| )?\++ /;

export type OutputSinks = {
  /** Gets each line at INFO. */
  readonly log: Logger;
  /** Gets each line too. What it throws ends the build. */
  readonly write: (line: string) => Promise<void>;
};

/** The output of one build: cut into lines of bounded length, without the secrets, logged as it comes. */
export class BuildOutput {
  readonly #sinks: OutputSinks;
  readonly #cleaner: OutputCleaner;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';
  readonly #tail: string[] = [];

  constructor(sinks: OutputSinks, secrets: readonly Secret[]) {
    this.#sinks = sinks;
    this.#cleaner = new OutputCleaner(secrets);
  }

  /** Takes what comes; resolves when all whole lines are written. */
  async take(chunk: Buffer): Promise<void> {
    const [first = '', ...others] = this.#decoder.write(chunk).split(/[\r\n]/);
    this.#add(first);
    const whole: string[] = [];
    for (const part of others) {
      whole.push(this.#line);
      this.#line = '';
      this.#add(part);
    }
    await this.#say(whole);
  }

  /** Takes the last line, which may lack its end. */
  async end(): Promise<void> {
    this.#add(this.#decoder.end());
    await this.#say([this.#line]);
    this.#line = '';
  }

  /** The last lines that are no trace of a command: what was wrong. */
  get tail(): string {
    return this.#tail.join(' | ');
  }

  #add(text: string): void {
    if (this.#line.length < MAX_LINE_CHARS) this.#line = (this.#line + text).slice(0, MAX_LINE_CHARS);
  }

  /** All of a chunk are looked through at once: for each line alone it would cost as much again. */
  async #say(lines: readonly string[]): Promise<void> {
    for (const line of this.#cleaner.clean(lines)) {
      this.#keepTail(line);
      this.#sinks.log.info(line);
      await this.#sinks.write(line);
    }
  }

  #keepTail(line: string): void {
    if (TRACE.test(line)) return;
    this.#tail.push(line.slice(0, TAIL_CHARS));
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
  }
}
