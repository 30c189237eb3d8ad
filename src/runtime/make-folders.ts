import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and what is missing above it. Not `mkdirSync` with `recursive`: that never returns where a file system
 * refuses folders with ENOENT, as /proc does.
 * @throws the system's error
 */
export function makeFolders(path: string, mode = 0o755): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!existsSync(path)) throw error; // else another program was faster
  }
}
