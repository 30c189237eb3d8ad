const MAX_TAIL_BYTES = 4096;

/** Keeps the last lines of an output for error messages, at most 4 KiB of UTF-8. */
export class OutputTail {
  readonly #lines: string[] = [];
  #bytes = 0;

  add(line: string): void {
    this.#lines.push(line);
    this.#bytes += sizeOf(line);
    while (this.#bytes > MAX_TAIL_BYTES && this.#lines.length > 1) this.#bytes -= sizeOf(this.#lines.shift() ?? '');
  }

  toString(): string {
    const bytes = Buffer.from(this.#lines.join('\n'));
    if (bytes.length <= MAX_TAIL_BYTES) return bytes.toString();
    // A single long line: its end. A character cut in two would show as U+FFFD.
    return bytes
      .subarray(-MAX_TAIL_BYTES)
      .toString()
      .replace(/^\uFFFD+/, '');
  }
}

function sizeOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}
