import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Clock } from '../../runtime/clock.ts';
import { readCredential } from '../../ssh/read-credential.ts';
import { type Finding, inspect } from './finding.ts';

export type LookDeps = { readonly clock: Clock; readonly signal: AbortSignal };

/** Looks at what the configuration names on this host: private keys, the folder of the scripts and setup scripts. */
export function checkFiles(config: Config, deps: LookDeps): readonly Promise<Finding>[] {
  const images = config.providers.flatMap((provider) => provider.images);
  const keys = new Set(images.map(({ privateKey }) => privateKey));
  const snapshots = images.filter(({ diskimage }) => diskimage === undefined);
  const setups = new Set(snapshots.map(({ setup }) => setup).filter((setup) => setup !== undefined));
  return [
    ...[...keys].map((path) => checkKey(path, deps)),
    ...(config.scriptDir === undefined && setups.size === 0 ? [] : [checkScriptDir(config.scriptDir, deps)]),
    ...(config.scriptDir === undefined
      ? []
      : [...setups].map((setup) => checkScript(join(config.scriptDir ?? '', setup), deps))),
  ];
}

async function checkKey(path: string, deps: LookDeps): Promise<Finding> {
  return await inspect({ what: `key ${path}`, advice: 'look at "private-key"' }, deps, async () => {
    const method = await readCredential({ kind: 'key-file', path });
    if (method.kind === 'key' && method.exposedFile !== undefined) {
      throw new Error('Others than its owner may read it: set its mode to 0600');
    }
    return 'it can be used';
  });
}

async function checkScriptDir(path: string | undefined, deps: LookDeps): Promise<Finding> {
  const what = path === undefined ? 'script-dir' : `script-dir ${path}`;
  return await inspect({ what, advice: 'name the folder with the scripts in "script-dir"' }, deps, async () => {
    if (path === undefined) throw new Error('It is not set, and images have a "setup"');
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      throw new Error('It is not there, or this account may not read it', { cause: error });
    });
    return `${entries.filter((each) => each.isFile()).length} files`;
  });
}

async function checkScript(path: string, deps: LookDeps): Promise<Finding> {
  const advice = 'look at "script-dir" and "setup"';
  return await inspect({ what: `setup script ${path}`, advice }, deps, async () => {
    await access(path, constants.R_OK | constants.X_OK).catch((error: unknown) => {
      throw new Error('It is not there, or not readable and executable', { cause: error });
    });
    return 'it is there';
  });
}
