import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is read of a console at most. */
const READ_BYTES = 256 * 1024;
/** sshd adds a line or two for each connection. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The last lines an instance wrote to its console; all (to 256 KiB) without `lines`. Empty before the first boot. */
export async function readTail(folder: string, lines?: number): Promise<string> {
  const file = join(folder, 'console.log');
  const size = await sizeOf(file);
  if (size === 0) return '';
  const text = await readFrom(file, Math.max(0, size - READ_BYTES));
  if (lines === undefined) return text;
  return text.split('\n').slice(0, -1).slice(-lines).join('\n') + '\n';
}

/** Cuts a long console to its tail. By copy and truncate: the instance goes on writing to the same file. */
export async function trimConsole(folder: string): Promise<void> {
  const file = join(folder, 'console.log');
  const size = await sizeOf(file);
  if (size <= MAX_BYTES) return;
  const tail = await readFrom(file, size - READ_BYTES);
  await truncate(file, 0);
  await writeFile(file, tail, { flag: 'a' });
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0, // not booted yet
  );
}

async function readFrom(file: string, start: number): Promise<string> {
  if (start === 0) return await readFile(file, 'utf8');
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, start);
  return buffer.toString('utf8', 0, bytesRead);
}
