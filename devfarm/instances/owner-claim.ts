import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
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
  const claim = join(folder, CLAIM);
  const ours = join(folder, `${ASIDE}${process.pid}-${systemRandomness.hex(4)}`);
  try {
    await takeClaim(folder, { claim, ours, text: formatIdentity(us) });
  } finally {
    await rm(ours, { force: true });
  }
  return async () => {
    await rm(claim, { force: true });
  };
}

/** The living process that has claimed the folder. */
export async function findClaimant(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, CLAIM), 'utf8').catch(() => ''); // nobody
  const owner = parseIdentity(text);
  return owner !== undefined && (await isRunning(owner)) ? owner.pid : undefined;
}

/** Whether this file of the folder belongs to a process that is about to claim it. */
export async function isClaimUnderWay(name: string): Promise<boolean> {
  const pid = Number(name.startsWith(ASIDE) ? name.slice(ASIDE.length).split('-')[0] : Number.NaN);
  return Number.isSafeInteger(pid) && (await findProcess(pid)) !== undefined;
}

const CLAIM = 'owner';
const ASIDE = '.owner-';

type ClaimFiles = { readonly claim: string; readonly ours: string; readonly text: string };

async function takeClaim(folder: string, files: ClaimFiles): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const linked = await linkOurs(folder, files); // one system call: of two starters one wins
    if (linked === 'done') return;
    const seen = await readFile(files.claim, 'utf8').catch(() => undefined);
    if (seen === undefined) continue; // released this moment, or the folder was removed under us
    const owner = parseIdentity(seen);
    if (owner !== undefined && (await isRunning(owner))) throw new FolderInUseError(inUse(folder, owner.pid));
    await dropStale(files, seen);
  }
  throw new FolderInUseError(`Cannot use "${folder}": several processes claim it at once`);
}

async function linkOurs(folder: string, files: ClaimFiles): Promise<LinkOutcome> {
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(files.ours, files.text);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'absent';
    throw error;
  }
  return await linkFile(files.ours, files.claim);
}

/** Moves a dead owner's claim away, unless somebody has replaced it since it was read. */
async function dropStale(files: ClaimFiles, seen: string): Promise<void> {
  const aside = `${files.ours}.stale`;
  await rename(files.claim, aside).catch(() => undefined); // the other starter was quicker
  const moved = await readFile(aside, 'utf8').catch(() => undefined);
  if (moved !== undefined && moved !== seen) await linkFile(aside, files.claim);
  await rm(aside, { force: true });
}

/** `exists`: the new name is taken. `absent`: the folder was removed meanwhile. */
type LinkOutcome = 'done' | 'exists' | 'absent';

async function linkFile(from: string, to: string): Promise<LinkOutcome> {
  try {
    await link(from, to);
    return 'done';
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'exists';
    if (codeOf(error) === 'ENOENT') return 'absent';
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function inUse(folder: string, pid: number): string {
  return `Cannot use "${folder}": process ${pid} already works in it`;
}
