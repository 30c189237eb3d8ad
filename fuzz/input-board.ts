import { MAX_INPUT_BYTES } from './mutate-bytes.ts';

const COUNT = 0;
const LENGTH = 1;
const HEADER_BYTES = 8;

/** Memory that two threads see: the input at work, so that it is known when the thread that feeds it hangs or dies. */
export class InputBoard {
  readonly shared: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(shared = new SharedArrayBuffer(HEADER_BYTES + MAX_INPUT_BYTES)) {
    this.shared = shared;
    this.#numbers = new Int32Array(shared, 0, 2);
    this.#bytes = new Uint8Array(shared, HEADER_BYTES);
  }

  show(input: Buffer): void {
    this.#bytes.set(input.subarray(0, MAX_INPUT_BYTES));
    Atomics.store(this.#numbers, LENGTH, Math.min(input.length, MAX_INPUT_BYTES));
    Atomics.add(this.#numbers, COUNT, 1);
  }

  /** How many were shown. */
  get count(): number {
    return Atomics.load(this.#numbers, COUNT);
  }

  get input(): Buffer {
    return Buffer.from(this.#bytes.slice(0, Atomics.load(this.#numbers, LENGTH)));
  }
}
