import { formatPath } from './config-fault.ts';
import type { ConfigFault, KeyPath, Position } from './config-fault.ts';

/** A file that is wrong in more places is wrong as a whole; nobody reads on. */
const MAX_LISTED = 500;

const LONGEST_TEXT = 500;

/** Gathers everything that is wrong or doubtful, so that an operator sees all of it at once. */
export class FaultReport {
  readonly #faults = new Complaints();
  readonly #warnings = new Complaints();

  /** The configuration cannot be used. */
  fault(at: Position, path: KeyPath, message: string): void {
    this.#faults.add(complaint(at, path, message));
  }

  /** The configuration can be used, but not as it is written. */
  warn(at: Position, path: KeyPath, message: string): void {
    this.#warnings.add(complaint(at, path, message));
  }

  get isFaulty(): boolean {
    return this.#faults.listed.length > 0;
  }

  /** Further warnings are only counted: what they say need not be worked out. */
  get isFullOfWarnings(): boolean {
    return this.#warnings.listed.length >= MAX_LISTED;
  }

  /** By place in the file. */
  get faults(): readonly ConfigFault[] {
    return this.#faults.inOrder();
  }

  get warnings(): readonly ConfigFault[] {
    return this.#warnings.inOrder();
  }
}

class Complaints {
  readonly listed: ConfigFault[] = [];
  readonly #known = new Set<string>();
  #left = 0;

  /** A cloud that twenty providers use is wrong once. */
  add(complaint: ConfigFault): void {
    const key = JSON.stringify(complaint);
    if (this.#known.has(key)) return;
    if (this.#known.size < MAX_LISTED) this.#known.add(key);
    if (this.listed.length < MAX_LISTED) this.listed.push(complaint);
    else this.#left += 1;
  }

  inOrder(): readonly ConfigFault[] {
    const sorted = [...this.listed].sort(byPlace);
    const last = sorted.at(-1);
    if (this.#left === 0 || last === undefined) return sorted;
    return [...sorted, { ...last, path: '', message: `And ${this.#left} more` }];
  }
}

/** Keys may be of any length; a line of a log may not. */
function complaint({ file, line, column }: Position, path: KeyPath, message: string): ConfigFault {
  return { file, line, column, path: cut(formatPath(path)), message: cut(message) };
}

function cut(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

function byPlace(a: ConfigFault, b: ConfigFault): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
