import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { findProcess, formatIdentity, isRunning, parseIdentity } from './process-identity.ts';

/** Another living process works in this state folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

/**
 * Makes this process the only user of a folder, until it releases the claim or dies.
 * @returns releases the claim
 * @throws {FolderInUseError} a living process has it
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const us = await findProcess(process.pid);
  if (us === undefined) throw new Error('Cannot read /proc/self/stat: is /proc mounted?');
  const claim = join(folder, 'owner');
  const ours = join(folder, `.owner-${process.pid}-${systemRandomness.hex(4)}`);
  await writeFile(ours, formatIdentity(us));
  try {
    await takeClaim(folder, { claim, ours });
  } finally {
    await rm(ours, { force: true });
  }
  return async () => {
    await rm(claim, { force: true });
  };
}

async function takeClaim(folder: string, files: { readonly claim: string; readonly ours: string }): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await linkIfAbsent(files.ours, files.claim)) return; // one system call: of two starters one wins
    const seen = await readFile(files.claim, 'utf8').catch(() => undefined);
    if (seen === undefined) continue; // released this moment
    const owner = parseIdentity(seen);
    if (owner !== undefined && (await isRunning(owner))) throw new FolderInUseError(inUse(folder, owner.pid));
    await dropStale(files, seen);
  }
  throw new FolderInUseError(`Cannot use "${folder}": several processes claim it at once`);
}

/** Moves a dead owner's claim away, unless somebody has replaced it since it was read. */
async function dropStale(files: { readonly claim: string; readonly ours: string }, seen: string): Promise<void> {
  const aside = `${files.ours}.stale`;
  await rename(files.claim, aside).catch(() => undefined); // the other starter was quicker
  const moved = await readFile(aside, 'utf8').catch(() => undefined);
  if (moved !== undefined && moved !== seen) await linkIfAbsent(aside, files.claim);
  await rm(aside, { force: true });
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  return await link(from, to).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

function inUse(folder: string, pid: number): string {
  return `Cannot use "${folder}": process ${pid} already works in it`;
}
