import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import type { LogLevel } from '../logger.ts';
import {
  endOfPeriod,
  lastWrite,
  putAsideDated,
  type Rotation,
  shiftNumbered,
  type TimeRotation,
} from './log-rotation.ts';

/** Where finished lines go. Writing is synchronous: what was logged before a crash is on disk. Never throws. */
export interface LogSink {
  write(line: string, at: Date, level: LogLevel): void;
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
      writeAll(this.#fd, `${line}\n`);
    } catch {
      // Nobody reads any more (EPIPE), or the reader is slow (EAGAIN): a log line must not end the daemon.
    }
  }

  reopen(): void {
    // A stream has no name to open again.
  }
}

/** A file that others may move away: it is opened again when its name leads elsewhere (Python: WatchedFileHandler). */
export class FileSink implements LogSink {
  readonly #path: string;
  readonly #rotation: Rotation | undefined;
  #fd: number | undefined;
  /** End of the period that the file belongs to. */
  #periodEndMs: number | undefined;

  /** @throws {Error} the file cannot be opened */
  constructor(path: string, rotation?: Rotation) {
    this.#path = path;
    this.#rotation = rotation;
    if (rotation?.kind === 'time') this.#periodEndMs = endOfLeftOver(path, rotation);
    this.#open();
  }

  write(line: string, at: Date): void {
    const text = `${line}\n`;
    try {
      this.#rotateIfDue(text, at);
      writeAll(this.#current(), text);
    } catch {
      this.reopen(); // disk full or folder gone: the line is lost, the daemon goes on and tries again with the next
    }
  }

  reopen(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #open(): number {
    this.#fd = openSync(this.#path, 'a', 0o640);
    return this.#fd;
  }

  #current(): number {
    const fd = this.#fd ?? this.#open();
    const named = statSync(this.#path, { throwIfNoEntry: false });
    const opened = fstatSync(fd);
    if (named?.ino === opened.ino && named.dev === opened.dev) return fd;
    this.reopen();
    return this.#open();
  }

  #rotateIfDue(text: string, at: Date): void {
    try {
      if (this.#rotation?.kind === 'size') this.#rotateBySize(text, this.#rotation);
      if (this.#rotation?.kind === 'time') this.#rotateByTime(at, this.#rotation);
    } catch {
      // The folder takes no new names: better a long file than a lost line.
    }
  }

  #rotateBySize(text: string, { maxBytes, keep }: { readonly maxBytes: number; readonly keep: number }): void {
    if (maxBytes <= 0 || keep <= 0) return;
    const { size } = fstatSync(this.#current());
    if (size === 0 || size + Buffer.byteLength(text) < maxBytes) return;
    this.reopen();
    shiftNumbered(this.#path, keep);
  }

  #rotateByTime(at: Date, rotation: TimeRotation): void {
    const endMs = (this.#periodEndMs ??= endOfPeriod(at, rotation));
    if (at.getTime() < endMs) return;
    this.#periodEndMs = endOfPeriod(at, rotation);
    this.reopen();
    putAsideDated(this.#path, endMs, rotation);
  }
}

/** The end of the period that a file of an earlier process was last written in; undefined: there is none, or it is empty. */
function endOfLeftOver(path: string, rotation: TimeRotation): number | undefined {
  const written = lastWrite(path);
  return written && endOfPeriod(written, rotation);
}

/** One write may take a part only (a pipe that fills up). @throws {Error} it takes no more */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let sent = 0; sent < bytes.length;) sent += writeSync(fd, bytes, sent);
}
