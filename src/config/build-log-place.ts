import type { BuildLogPlace } from '../runtime/build-log.ts';
import type { Config } from './config.ts';

/** Where logs of builds are kept; undefined: nowhere. */
export function buildLogPlace({
  buildLogDir: dir,
  buildLogRetention: retention,
}: Pick<Config, 'buildLogDir' | 'buildLogRetention'>): BuildLogPlace | undefined {
  return dir === undefined ? undefined : { dir, retention };
}
