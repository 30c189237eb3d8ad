import { StringDecoder } from 'node:string_decoder';

/** Longer lines are cut there: progress bars and binary output must not fill the memory or the log. */
export const MAX_LINE_CHARACTERS = 4096;

/** Makes lines of a stream of UTF-8 bytes; holds at most one cut line. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';

  /** @param onLine gets each line without its `\n` or `\r\n` */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    this.#pushText(this.#decoder.write(chunk));
  }

  /** Gives the last line if it has no line end. */
  end(): void {
    this.#pushText(this.#decoder.end());
    if (this.#line !== '') this.#emit();
  }

  #pushText(text: string): void {
    const parts = text.split('\n');
    for (const [index, part] of parts.entries()) {
      // One more than a line may have: a `\r` that ends it is not part of it.
      this.#line += part.slice(0, MAX_LINE_CHARACTERS + 1 - this.#line.length);
      if (index < parts.length - 1) this.#emit();
    }
  }

  #emit(): void {
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#onLine(line.slice(0, MAX_LINE_CHARACTERS));
  }
}
