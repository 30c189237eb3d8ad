import { appendFileSync, closeSync, existsSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs';

/** Where finished lines go. Writing is synchronous: what was logged before a crash is on disk. */
export interface LogSink {
  write(line: string, at: Date): void;
  /** Closes the file; it is opened again by the next line (SIGHUP, logrotate). */
  reopen(): void;
}

export class StreamSink implements LogSink {
  readonly #fd: number;

  constructor(stream: 'stdout' | 'stderr') {
    this.#fd = stream === 'stdout' ? 1 : 2;
  }

  write(line: string): void {
    try {
      writeSync(this.#fd, `${line}\n`);
    } catch {
      // Nobody reads any more (EPIPE), or the reader is slow (EAGAIN): a log line must not end the daemon.
    }
  }

  reopen(): void {
    // A stream has no name to open again.
  }
}

/** When a file is put aside and a new one begun; undefined: never. */
export type Rotation =
  | { readonly kind: 'size'; readonly maxBytes: number; readonly keep: number }
  | { readonly kind: 'time'; readonly periodMs: number; readonly atMidnight: boolean; readonly keep: number };

/** A file that others may move away: it is opened again when its name leads elsewhere (Python: WatchedFileHandler). */
export class FileSink implements LogSink {
  readonly #path: string;
  readonly #rotation: Rotation | undefined;
  #fd: number | undefined;
  #rotateAtMs = 0;

  /** @throws {Error} the file cannot be opened */
  constructor(path: string, rotation?: Rotation) {
    this.#path = path;
    this.#rotation = rotation;
    this.#open();
  }

  write(line: string, at: Date): void {
    try {
      this.#rotateIfDue(at);
      const fd = this.#current();
      appendFileSync(fd, `${line}\n`);
    } catch {
      this.reopen(); // disk full or folder gone: the line is lost, the daemon goes on and tries again with the next
    }
  }

  reopen(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    this.#fd = openSync(this.#path, 'a', 0o640);
    return this.#fd;
  }

  #current(): number {
    const fd = this.#fd ?? this.#open();
    const named = existsSync(this.#path) ? statSync(this.#path).ino : undefined;
    if (named === fstatSync(fd).ino) return fd;
    this.reopen();
    return this.#open();
  }

  #rotateIfDue(at: Date): void {
    const rotation = this.#rotation;
    if (rotation === undefined) return;
    if (rotation.kind === 'size') {
      if (rotation.maxBytes > 0 && fstatSync(this.#fd ?? this.#open()).size >= rotation.maxBytes)
        this.#shift(rotation.keep);
      return;
    }
    if (this.#rotateAtMs === 0) this.#rotateAtMs = nextRotation(at, rotation);
    if (at.getTime() < this.#rotateAtMs) return;
    this.#shift(rotation.keep);
    this.#rotateAtMs = nextRotation(at, rotation);
  }

  #shift(keep: number): void {
    this.reopen();
    for (let n = keep - 1; n >= 1; n -= 1) {
      if (existsSync(`${this.#path}.${n}`)) renameSync(`${this.#path}.${n}`, `${this.#path}.${n + 1}`);
    }
    if (keep > 0 && existsSync(this.#path)) renameSync(this.#path, `${this.#path}.1`);
    this.#open();
  }
}

function nextRotation(at: Date, rotation: { readonly periodMs: number; readonly atMidnight: boolean }): number {
  if (!rotation.atMidnight) return at.getTime() + rotation.periodMs;
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime();
}
