import { open, readdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { SFTPWrapper } from 'ssh2';

const CHUNK_BYTES = 256 * 1024;
/** SFTP protocol version 3: SSH_FX_NO_SUCH_FILE. */
const NO_SUCH_FILE = 2;

export type NewRemoteFile = {
  readonly path: string;
  /** Permissions, whatever the account's umask; undefined: the umask decides. */
  readonly mode: number | undefined;
};

/**
 * Writes a file anew. What stands there is removed first and the file is made exclusively, so that nothing is ever
 * written through a link.
 */
export async function writeRemoteFile(
  sftp: SFTPWrapper,
  { path, mode }: NewRemoteFile,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  await removeIfThere(sftp, path);
  const handle = await answered<Buffer>((done) => {
    sftp.open(path, 'wx', done);
  });
  try {
    // Before the content: a private file must not be readable for a moment.
    if (mode !== undefined) {
      await acknowledged((done) => {
        sftp.fchmod(handle, mode, done);
      });
    }
    await writeChunks(sftp, handle, chunks);
  } finally {
    await close(sftp, handle);
  }
}

/**
 * The content of a remote file.
 * @throws {Error} it is larger than `maxBytes`
 */
export async function readRemoteFile(sftp: SFTPWrapper, path: string, maxBytes: number): Promise<Buffer> {
  const handle = await answered<Buffer>((done) => {
    sftp.open(path, 'r', done);
  });
  try {
    const content = Buffer.alloc(maxBytes + 1);
    for (let size = 0; size <= maxBytes;) {
      const length = await answered<number>((done) => {
        sftp.read(handle, content, size, content.length - size, size, done);
      });
      if (length === 0) return content.subarray(0, size);
      size += length;
    }
    throw new Error(`it is larger than ${maxBytes} bytes`);
  } finally {
    await close(sftp, handle);
  }
}

/** Copies the regular files of a local folder, those that links there lead to as well, into `remote`, which is made. */
export async function copyFolderOver(
  sftp: SFTPWrapper,
  folders: { readonly local: string; readonly remote: string },
  signal: AbortSignal,
): Promise<void> {
  await ensureFolder(sftp, folders.remote);
  for (const name of (await readdir(folders.local)).sort()) {
    const path = join(folders.local, name);
    const facts = await stat(path);
    if (!facts.isFile()) continue;
    const file = { path: posix.join(folders.remote, name), mode: facts.mode & 0o777 };
    await writeRemoteFile(sftp, file, readChunks(path, signal));
  }
}

async function* readChunks(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  await using file = await open(path);
  for (;;) {
    signal.throwIfAborted();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function writeChunks(
  sftp: SFTPWrapper,
  handle: Buffer,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  let position = 0;
  for await (const chunk of chunks) {
    const at = position;
    await acknowledged((done) => {
      sftp.write(handle, chunk, 0, chunk.length, at, done);
    });
    position += chunk.length;
  }
}

async function ensureFolder(sftp: SFTPWrapper, path: string): Promise<void> {
  try {
    await acknowledged((done) => {
      sftp.mkdir(path, done);
    });
  } catch (error) {
    // The protocol's answer to "it exists already" is a mere "Failure".
    const facts = await answered<{ isDirectory(): boolean }>((done) => {
      sftp.lstat(path, done);
    }).catch(() => undefined);
    if (facts?.isDirectory() !== true) throw error;
  }
}

async function removeIfThere(sftp: SFTPWrapper, path: string): Promise<void> {
  try {
    await acknowledged((done) => {
      sftp.unlink(path, done);
    });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === NO_SUCH_FILE)) throw error;
  }
}

async function close(sftp: SFTPWrapper, handle: Buffer): Promise<void> {
  await acknowledged((done) => {
    sftp.close(handle, done);
  });
}

/** The end of a call that gives a status only. */
function acknowledged(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error instanceof Error) reject(error);
      else resolve();
    });
  });
}

/** The value that a call gives. */
function answered<T>(start: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error instanceof Error) reject(error);
      else resolve(value);
    });
  });
}
