import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { plainReason } from '../runtime/plain-reason.ts';
import { UsageError } from './command.ts';

/** Only the owner reads it: it may name what is in clouds. */
const MODE = 0o600;

/**
 * Writes a file whole or not at all. A link is followed; what is no file, such as a device or a pipe, is written to and stays
 * what it is.
 * @throws {UsageError} it cannot be written; nothing of it is left
 */
export async function saveFile(path: string, text: string): Promise<void> {
  try {
    const there = await stat(path).catch(() => undefined);
    if (there === undefined || there.isFile()) await replace(there === undefined ? path : await realpath(path), text);
    else await writeFile(path, text);
  } catch (error) {
    const reason = plainReason(error);
    const why = reason ?? (error instanceof Error ? error.message : String(error));
    throw new UsageError(`Cannot write "${path}": ${why}`, { cause: error });
  }
}

/** Beside it first: a file that is there keeps its text until the new one is whole, and not its mode. */
async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  try {
    await writeFile(beside, text, { mode: MODE, flag: 'wx' });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined); // the reason is told
    throw error;
  }
}
