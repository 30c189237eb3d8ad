import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { plainReason } from './plain-reason.ts';
import { asError } from './errors.ts';

/** No configuration file is larger; a wrong path must not fill the memory. */
const MAX_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/**
 * The text of a file (UTF-8), or undefined if there is none.
 * @throws {Error} it exists and cannot be read, is no regular file, or has more than 8 MiB
 */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readBounded(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new Error(`Cannot read "${path}": ${plainReason(error) ?? asError(error).message}`, { cause: error });
  }
}

async function readBounded(path: string): Promise<string> {
  // Opening a named pipe would otherwise wait for its writer.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = await file.stat();
  if (!stat.isFile()) throw new Error('it is no regular file');
  const chunks: Buffer[] = [];
  // Its size is no bound: it may grow meanwhile.
  for (let length = 0; length <= MAX_BYTES;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, length);
    if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  throw new Error('it has more than 8 MiB');
}

/** A file in a folder that does not exist is absent too. */
function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
