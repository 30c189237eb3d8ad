import { stat } from 'node:fs/promises';
import type { ConfigFault } from '../config/config-fault.ts';
import type { Config } from '../config/config.ts';

/** Warnings for what the configuration names and this host lacks; it may be mounted later, so they are no faults. */
export async function hostWarnings({ scriptDir, places }: Config): Promise<readonly ConfigFault[]> {
  const place = places?.scriptDir;
  if (scriptDir === undefined || place === undefined) return [];
  const facts = await stat(scriptDir).catch(() => undefined); // absent or out of reach: the warning says so
  if (facts?.isDirectory() === true) return [];
  const found = facts === undefined ? 'There is no folder' : 'It is no folder:';
  return [{ ...place, path: 'script-dir', message: `${found} "${scriptDir}": images with "setup" cannot be built` }];
}
