import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A value that must never be printed: in text, JSON and inspection it shows as `[redacted]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it only where it is handed to the peer that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value: for "has this section changed?". */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
