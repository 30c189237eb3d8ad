/** One line of `status`: what a server knows about one function. */
export type FunctionStatus = {
  readonly name: string;
  /** Jobs waiting and running together. */
  readonly total: number;
  readonly running: number;
  /** Workers that offer it, at work or not. */
  readonly workers: number;
};

/** One line of `workers`; for diagnosis only, for names with blanks cannot be told apart. */
export type WorkerLine = {
  readonly fd: number;
  readonly address: string;
  /** `-` for a connection that gave no name. */
  readonly clientId: string;
  readonly functions: readonly string[];
};

/** One line of `show jobs`. */
export type JobLine = {
  readonly handle: string;
  readonly retries: number;
  /** Its client left or it was cancelled: it counts in `total` only until a worker asks for its function. */
  readonly isIgnored: boolean;
  readonly isQueued: boolean;
};

/** What could be read of an answer, and how many lines could not. */
export type ParsedLines<T> = {
  readonly rows: readonly T[];
  readonly junkLines: number;
};

/** Reads each line with `parse`; those that give undefined are counted, never an error: one odd name must not hide all. */
export function parseLines<T>(lines: readonly string[], parse: (line: string) => T | undefined): ParsedLines<T> {
  const rows: T[] = [];
  for (const line of lines) {
    const row = parse(line);
    if (row !== undefined) rows.push(row);
  }
  return { rows, junkLines: lines.length - rows.length };
}

/** `FUNCTION TAB total TAB running TAB workers`, from the right: the name may hold TABs. Undefined: no such line. */
export function parseStatusLine(line: string): FunctionStatus | undefined {
  const [, name, total, running, workers] = /^(.+)\t(\d{1,15})\t(\d{1,15})\t(\d{1,15})$/s.exec(line) ?? [];
  if (name === undefined) return undefined;
  return { name, total: Number(total), running: Number(running), workers: Number(workers) };
}

/** `FD ADDRESS CLIENT-ID : F1 F2 …`. Undefined: no such line. */
export function parseWorkerLine(line: string): WorkerLine | undefined {
  const [, fd, address, clientId, functions] = /^(\d{1,15}) (\S+) (.*?) ?:(?: (.*))?$/s.exec(line) ?? [];
  if (address === undefined || clientId === undefined) return undefined;
  return { fd: Number(fd), address, clientId, functions: (functions ?? '').split(' ').filter((name) => name !== '') };
}

/** `HANDLE TAB retries TAB ignored TAB queued`. Undefined: no such line. */
export function parseJobLine(line: string): JobLine | undefined {
  const [, handle, retries, ignored, queued] = /^(.+)\t(\d{1,15})\t(\d{1,15})\t(\d{1,15})$/s.exec(line) ?? [];
  if (handle === undefined) return undefined;
  return { handle, retries: Number(retries), isIgnored: ignored !== '0', isQueued: queued !== '0' };
}
