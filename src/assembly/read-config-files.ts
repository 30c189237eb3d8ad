import { homedir } from 'node:os';
import { cloudFileCandidates } from '../config/clouds/cloud-file-candidates.ts';
import type { ConfigSources } from '../config/config-sources.ts';
import { asError } from '../runtime/errors.ts';
import { readTextFile } from '../runtime/read-text-file.ts';

export type ConfigFiles = {
  /** nodepool.yaml. */
  readonly config: string;
  /** secure.conf; it need not exist. */
  readonly secure: string;
};

/** The configuration file is missing or cannot be read: exit 2. */
export class UnreadableConfigError extends Error {
  override readonly name = 'UnreadableConfigError';
}

/**
 * Reads nodepool.yaml and all that belongs to it.
 * @throws {UnreadableConfigError} a file cannot be read, or there is no nodepool.yaml
 */
export async function readConfigFiles(files: ConfigFiles): Promise<ConfigSources> {
  try {
    const yaml = await readFirst([files.config]);
    if (yaml === undefined) throw new Error(`Unable to read configuration file ${files.config}: there is no such file`);
    const candidates = cloudFileCandidates(process.env, process.cwd(), homedir());
    const [secure, clouds, secureClouds, publicClouds] = await Promise.all([
      readFirst([files.secure]),
      readFirst(candidates.clouds),
      readFirst(candidates.secure),
      readFirst(candidates.publicClouds),
    ]);
    return { yaml, secure, clouds: { clouds, secure: secureClouds, publicClouds }, environment: process.env };
  } catch (error) {
    throw new UnreadableConfigError(asError(error).message, { cause: error });
  }
}

async function readFirst(
  paths: readonly string[],
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  for (const path of paths) {
    const text = await readTextFile(path);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}
