import { formatPath } from './config-fault.ts';
import type { ConfigFault, KeyPath, Position } from './config-fault.ts';

/** A file that is wrong in more places is wrong as a whole; nobody reads on. */
const MAX_LISTED = 500;

/** Gathers everything that is wrong or doubtful, so that an operator sees all of it at once. */
export class FaultReport {
  readonly #faults = new Complaints();
  readonly #warnings = new Complaints();

  /** The configuration cannot be used. */
  fault(at: Position, path: KeyPath, message: string): void {
    this.#faults.add({ ...placeOf(at), path: formatPath(path), message });
  }

  /** The configuration can be used, but not as it is written. */
  warn(at: Position, path: KeyPath, message: string): void {
    this.#warnings.add({ ...placeOf(at), path: formatPath(path), message });
  }

  get isFaulty(): boolean {
    return this.#faults.listed.length > 0;
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
  #left = 0;

  add(complaint: ConfigFault): void {
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

function placeOf({ file, line, column }: Position): Position {
  return { file, line, column };
}

function byPlace(a: ConfigFault, b: ConfigFault): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
