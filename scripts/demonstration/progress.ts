/** Tells how far the demonstration is, each line with the seconds since its start. */
export class Progress {
  readonly #startedMs = performance.now();

  /** A promise that was seen to hold. */
  check(text: string): void {
    this.#line(`✔ ${text}`);
  }

  note(text: string): void {
    this.#line(`  ${text}`);
  }

  fail(text: string): void {
    this.#line(`✘ ${text}`);
  }

  /** Output of a program, as it is. */
  print(text: string): void {
    process.stdout.write(text);
  }

  #line(text: string): void {
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(1);
    process.stdout.write(`[${seconds.padStart(5)} s] ${text}\n`);
  }
}
