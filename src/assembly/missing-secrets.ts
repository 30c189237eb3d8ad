import { access } from 'node:fs/promises';
import type { Config } from '../config/config.ts';

/**
 * What to tell of a secure.conf that is not there. A wrong path of it looks like a farm without Jenkins. Undefined: it is there,
 * or nothing is missing by that.
 */
export async function missingSecrets(secure: string, { targets }: Config): Promise<string | undefined> {
  const without = targets.filter(({ jenkins }) => jenkins === undefined).map(({ name }) => name);
  if (without.length === 0) return undefined;
  const isThere = await access(secure).then(
    () => true,
    () => false,
  );
  if (isThere) return undefined;
  return `it is not there, and without it no Jenkins for: ${without.join(', ')}; look at the option "-s"`;
}
