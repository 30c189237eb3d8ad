import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FarmFolder } from './farm-folder.ts';

const run = promisify(execFile);

/** Makes the key that Nodepool and Jenkins log in to nodes with; gives the private key's path. */
export async function ensureFarmKey(folder: FarmFolder): Promise<string> {
  const path = join(folder.keys, 'id_rsa');
  if (existsSync(path)) return path;
  mkdirSync(folder.keys, { recursive: true, mode: 0o700 });
  await run('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-C', 'devfarm', '-f', path]);
  return path;
}
