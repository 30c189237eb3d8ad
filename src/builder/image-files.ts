import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crashPoint } from '../runtime/crash-point.ts';

/** The files of one build that are here, by format. */
export type BuildFiles = ReadonlyMap<string, { readonly path: string; readonly bytesOnDisk: number }>;

/** A checksum alone is what a builder left that died before it gave the image its name. */
const FILE = /^([1-9]\d{0,14})[.][A-Za-z0-9]{1,16}(?:[.](?:md5|sha256))?$/;
const BLOCK_BYTES = 512;

/**
 * The builds whose files are in the folder, as `ID.FORMAT` or its checksum; whatever else is there is passed over.
 * @throws the system's error: the folder cannot be read
 */
export async function listBuilds(imagesDir: string): Promise<readonly number[]> {
  const entries = await readdir(imagesDir, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
  const ids = files.flatMap(({ name }) => FILE.exec(name)?.[1] ?? []);
  return [...new Set(ids.map(Number))].sort((a, b) => a - b);
}

/** Which of these formats of a build are here and not empty. */
export async function findFiles(filename: string, formats: readonly string[]): Promise<BuildFiles> {
  const found = await Promise.all(
    formats.map(async (format) => {
      const path = `${filename}.${format}`;
      const facts = await stat(path).catch(() => undefined); // it is not there
      if (facts?.isFile() !== true || facts.size === 0) return [];
      return [[format, { path, bytesOnDisk: facts.blocks * BLOCK_BYTES }] as const];
    }),
  );
  return new Map(found.flat());
}

/** Removes all of a build, whatever its format: `ID.*`. May be repeated. */
export async function removeFiles(imagesDir: string, dibImageId: number): Promise<void> {
  const prefix = `${dibImageId}.`;
  const names = (await readdir(imagesDir)).filter((name) => name.startsWith(prefix));
  for (const name of names) await rm(join(imagesDir, name), { recursive: true, force: true });
  crashPoint('dib-files-removed');
}
