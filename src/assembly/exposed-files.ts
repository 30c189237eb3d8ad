import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { cloudFileCandidates } from '../config/clouds/cloud-file-candidates.ts';

const READABLE_BY_OTHERS = 0o004;

/** A warning for each file of passwords (secure.conf, secure.yaml) that every account of this host can read. */
export async function exposedFiles(secure: string): Promise<readonly string[]> {
  const candidates = cloudFileCandidates(process.env, process.cwd(), homedir());
  const paths = [secure, ...candidates.secure];
  const modes = await Promise.all(paths.map(modeOf));
  return paths
    .filter((_, index) => ((modes[index] ?? 0) & READABLE_BY_OTHERS) !== 0)
    .map((path) => `${path} holds passwords and every user of this host can read it: set its mode to 0640 or 0600`);
}

async function modeOf(path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined); // absent or out of reach: reading it says so
  return facts?.mode ?? 0;
}
