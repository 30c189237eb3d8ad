import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiFailure } from './api-call.ts';
import type { Cloud } from './cloud.ts';

/** Of uploaded data; digests are hex: MD5 and SHA-512. */
export type Sums = { readonly sizeBytes: number; readonly checksum: string; readonly hashValue: string };

/** `file`: where the data is; undefined where it was only measured. */
export type Stored = { readonly file: string | undefined; readonly sums: Sums };

export type StoreTarget = {
  /** Below the folder of the emulator's state. */
  readonly folder: string;
  /** Of the file. */
  readonly name: string;
  /** Most bytes. */
  readonly room: number;
};

/**
 * Streams data to disk, never whole in memory. Leaves no file when it breaks off.
 * @throws {ApiFailure} 413: there is no room for it
 */
export async function storeData(target: StoreTarget, data: Readable, cloud: Cloud): Promise<Stored> {
  const meter = new Meter(target.room);
  if (!cloud.options.keepImageData) {
    await pipeline(data, meter, nowhere());
    return { file: undefined, sums: meter.sums() };
  }
  const folder = join(cloud.options.stateDir, target.folder);
  await mkdir(folder, { recursive: true });
  const file = join(folder, target.name);
  try {
    await pipeline(data, meter, createWriteStream(`${file}.part`));
    const sums = meter.sums();
    await rename(`${file}.part`, file);
    return { file, sums };
  } finally {
    await rm(`${file}.part`, { force: true });
  }
}

/** @throws {ApiFailure} 413: `sizeBytes` is more than there is room for */
export function assertRoom(sizeBytes: number, room: number): void {
  if (sizeBytes <= room) return;
  const text = `The size of the data ${sizeBytes} will exceed the limit. ${room} bytes remaining.`;
  throw new ApiFailure(413, `Image exceeds the storage quota: ${text}`);
}

function nowhere(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
}

/** Lets data pass and measures it. Swallows what there is no room for, so that the client can hear of it. */
class Meter extends Transform {
  readonly #room: number;
  readonly #md5 = createHash('md5');
  readonly #sha512 = createHash('sha512');
  #sizeBytes = 0;

  constructor(room: number) {
    super();
    this.#room = room;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk?: Buffer) => void): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#room) {
      done(null);
      return;
    }
    this.#md5.update(chunk);
    this.#sha512.update(chunk);
    done(null, chunk);
  }

  /**
   * Once all has passed.
   * @throws {ApiFailure} 413: there was no room for it
   */
  sums(): Sums {
    assertRoom(this.#sizeBytes, this.#room);
    return { sizeBytes: this.#sizeBytes, checksum: this.#md5.digest('hex'), hashValue: this.#sha512.digest('hex') };
  }
}
