import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const COMPACT_ABOVE_BYTES = 16 * 1024 * 1024;
const Line = z.tuple([z.string(), z.string()]).rest(z.unknown());

export type Identified = { readonly id: string };

/**
 * The emulator's memory on disk: one line of JSON per change, in one file.
 *
 * Writes are synchronous, so a change is safe from `kill -9` before any answer can promise it; a line costs some 10 µs.
 * The file is written anew (aside, then renamed) at each start and when it has grown by 16 MiB.
 */
export class Journal {
  readonly #path: string;
  readonly #loaded: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  readonly #collections = new Map<string, { all(): readonly Identified[] }>();
  #file: number;
  #grownBytes = 0;

  /** @throws the folder cannot be made or written */
  constructor(stateDir: string) {
    mkdirSync(stateDir, { recursive: true });
    this.#path = join(stateDir, 'journal.jsonl');
    this.#loaded = replay(this.#path);
    this.#file = openSync(this.#path, 'a');
  }

  /** The records of one kind, with what an earlier run left. Call it once per kind, and `compact` after the last. */
  collection<T extends Identified>(kind: string): Collection<T> {
    const records = [...(this.#loaded.get(kind) ?? [])];
    const collection = new Collection<T>(
      // A cast: the journal is our own file, and what was put in comes out.
      new Map(records.map(([id, value]) => [id, value as T])),
      (id, record) => {
        this.#append(JSON.stringify(record === undefined ? [kind, id] : [kind, id, record]));
      },
    );
    this.#collections.set(kind, collection);
    return collection;
  }

  /** Writes the file anew with what is alive. */
  compact(): void {
    const lines = [...this.#collections].flatMap(([kind, collection]) =>
      collection.all().map((record) => JSON.stringify([kind, record.id, record])),
    );
    const aside = `${this.#path}.new`;
    writeFileSync(aside, lines.map((line) => `${line}\n`).join(''));
    closeSync(this.#file);
    renameSync(aside, this.#path);
    this.#file = openSync(this.#path, 'a');
    this.#grownBytes = 0;
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(line: string): void {
    this.#grownBytes += writeSync(this.#file, `${line}\n`);
    if (this.#grownBytes > COMPACT_ABOVE_BYTES) this.compact();
  }
}

/** Records of one kind by id, in order of creation. Records are values: a change replaces them. */
export class Collection<T extends Identified> {
  readonly #records: Map<string, T>;
  readonly #write: (id: string, record: T | undefined) => void;

  constructor(records: Map<string, T>, write: (id: string, record: T | undefined) => void) {
    this.#records = records;
    this.#write = write;
  }

  get size(): number {
    return this.#records.size;
  }

  find(id: string): T | undefined {
    return this.#records.get(id);
  }

  all(): T[] {
    return [...this.#records.values()];
  }

  where(wanted: (record: T) => boolean): T[] {
    return this.all().filter(wanted);
  }

  put(record: T): T {
    this.#records.set(record.id, record);
    this.#write(record.id, record);
    return record;
  }

  /** Changes a record, on disk too. Undefined: there is none. */
  change(id: string, patch: Partial<T>): T | undefined {
    const record = this.drift(id, patch);
    if (record !== undefined) this.#write(id, record);
    return record;
  }

  /** Changes a record in memory only: for passing states that a restart goes through again. */
  drift(id: string, patch: Partial<T>): T | undefined {
    const before = this.#records.get(id);
    if (before === undefined) return undefined;
    const record = { ...before, ...patch };
    this.#records.set(id, record);
    return record;
  }

  remove(id: string): boolean {
    const existed = this.#records.delete(id);
    if (existed) this.#write(id, undefined);
    return existed;
  }
}

function replay(path: string): Map<string, Map<string, unknown>> {
  const kinds = new Map<string, Map<string, unknown>>();
  if (!existsSync(path)) return kinds;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    const line = parseLine(text);
    if (line === undefined) continue;
    const [kind, id, record] = line;
    const records = kinds.get(kind) ?? new Map<string, unknown>();
    kinds.set(kind, records);
    if (record === undefined) records.delete(id);
    else records.set(id, record);
  }
  return kinds;
}

/** Undefined for the end of the file and for a line that `kill -9` cut: nobody was promised what it says. */
function parseLine(text: string): z.output<typeof Line> | undefined {
  try {
    return Line.parse(JSON.parse(text));
  } catch {
    return undefined; // an incomplete line
  }
}
