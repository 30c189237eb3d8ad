import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ImageFileError } from '../provider/image-upload.ts';
import { plainReason } from '../runtime/plain-reason.ts';
import { describeError } from '../runtime/errors.ts';

/** A few of these are all that an upload holds of its file. */
const PIECE_BYTES = 256 * 1024;
/**
 * They are used in turn: new ones for each piece fill some 45 MiB before they are collected. One is read into, one waits in
 * the stream, one is in the socket, which asks for more only when it has drained; one to spare. If that were ever wrong, the
 * sums that the cloud tells would not be ours.
 */
const BUFFERS = 4;

/** What Glance tells of the data it has. Digests are hex. */
export type FileSums = { readonly sizeBytes: number; readonly md5: string; readonly sha512: string };

/** The file of one upload. It stays open, so that all tries send the same file even if another takes its name. */
export class ImageFile implements AsyncDisposable {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #file: FileHandle;
  readonly #opened: Stats;

  private constructor(path: string, file: FileHandle, opened: Stats) {
    this.path = path;
    this.sizeBytes = opened.size;
    this.#file = file;
    this.#opened = opened;
  }

  /** @throws {ImageFileError} it is missing, empty, unreadable or no regular file */
  static async open(path: string): Promise<ImageFile> {
    const file = await openForReading(path);
    try {
      const opened = await file.stat();
      if (!opened.isFile()) throw new ImageFileError(path, 'it is no regular file');
      if (opened.size === 0) throw new ImageFileError(path, 'it is empty');
      return new ImageFile(path, file, opened);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** A reading from the beginning. `onSent` hears after each piece how many bytes went out. */
  read(onSent: (bytes: number) => void): FileReading {
    return new FileReading(this, onSent);
  }

  /**
   * The bytes from `start`, as many as `buffer` holds, in it. Never empty.
   * @throws {ImageFileError} the file became shorter, or cannot be read
   */
  async readPiece(start: number, buffer: Buffer): Promise<Buffer> {
    const length = Math.min(buffer.length, this.sizeBytes - start);
    try {
      const { bytesRead } = await this.#file.read(buffer, 0, length, start);
      if (bytesRead > 0) return buffer.subarray(0, bytesRead);
    } catch (error) {
      throw unreadable(this.path, error);
    }
    throw this.#changed();
  }

  /** @throws {ImageFileError} the file was written to since it was opened */
  async assertUnchanged(): Promise<void> {
    const { size, mtimeMs } = await this.#file.stat();
    if (size !== this.sizeBytes || mtimeMs !== this.#opened.mtimeMs) throw this.#changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  #changed(): ImageFileError {
    return new ImageFileError(this.path, 'it changed while it was read');
  }
}

/** One way through the file, hashed on the way. Holds a few pieces at most, however slowly they are taken. */
export class FileReading {
  readonly stream: Readable;
  readonly #file: ImageFile;
  readonly #onSent: (bytes: number) => void;
  readonly #md5 = createHash('md5');
  readonly #sha512 = createHash('sha512');
  #sentBytes = 0;
  #failure: unknown;

  constructor(file: ImageFile, onSent: (bytes: number) => void) {
    this.#file = file;
    this.#onSent = onSent;
    this.stream = Readable.from(this.#pieces());
    // A request that ends early destroys its body, perhaps with an error that nobody else hears.
    this.stream.on('error', () => undefined);
  }

  /** Why no more can be read; undefined: all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Whether all went out. */
  get isComplete(): boolean {
    return this.#sentBytes === this.#file.sizeBytes;
  }

  /** Of the whole file. Call it once, when all went out. */
  sums(): FileSums {
    return { sizeBytes: this.#sentBytes, md5: this.#md5.digest('hex'), sha512: this.#sha512.digest('hex') };
  }

  async *#pieces(): AsyncGenerator<Buffer> {
    const buffers = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(PIECE_BYTES));
    try {
      for (let start = 0; start < this.#file.sizeBytes; start = this.#sentBytes) {
        const piece = await this.#file.readPiece(start, nextOf(buffers));
        this.#md5.update(piece);
        this.#sha512.update(piece);
        yield piece;
        this.#sentBytes += piece.length; // it was taken: more is asked for
        this.#onSent(this.#sentBytes);
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** The first one, which becomes the last. */
function nextOf(buffers: Buffer[]): Buffer {
  const buffer = buffers.shift() ?? Buffer.alloc(PIECE_BYTES);
  buffers.push(buffer);
  return buffer;
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // Opening a named pipe would otherwise wait for its writer.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): ImageFileError {
  const reason = plainReason(error);
  if (reason !== undefined) return new ImageFileError(path, reason); // its code would say it again
  return new ImageFileError(path, describeError(error), { cause: error });
}
