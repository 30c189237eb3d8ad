import type { CloudConfig, ProviderConfig } from '../../src/config/config.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { aCloudOfOneRegion, aProvider as anyProvider } from '../builders/a-config.ts';

/** A cloud at `url`, logged in to by password. */
export function aCloud(url: string, facts: Partial<CloudConfig> = {}): CloudConfig {
  return aCloudOfOneRegion({
    name: 'cloud',
    authUrl: `${url}/v3`,
    auth: { kind: 'password', username: 'nodepool', password: new Secret('the password'), projectName: 'nodepool' },
    ...facts,
  });
}

/** A provider on `aCloud`: no pace, no networks, one minute per call. */
export function aProvider(url: string): ProviderConfig {
  return anyProvider({ name: 'wmf', cloud: aCloud(url), minRequestGapMs: 0, images: [] });
}
