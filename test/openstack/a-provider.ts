import type { CloudConfig, ProviderConfig } from '../../src/config/config.ts';
import { Secret } from '../../src/runtime/secret.ts';

/** A cloud at `url`, logged in to by password. */
export function aCloud(url: string, facts: Partial<CloudConfig> = {}): CloudConfig {
  return {
    name: 'cloud',
    authUrl: `${url}/v3`,
    auth: { kind: 'password', username: 'nodepool', password: new Secret('the password'), projectName: 'nodepool' },
    interface: 'public',
    verify: true,
    imageApiUseTasks: false,
    endpointOverrides: {},
    serviceTypes: {},
    serviceNames: {},
    networks: [],
    private: false,
    ...facts,
  };
}

/** A provider on `aCloud`: no pace, no networks, one minute per call. */
export function aProvider(url: string): ProviderConfig {
  return {
    name: 'wmf',
    cloud: aCloud(url),
    maxServers: 10,
    minRequestGapMs: 0,
    apiTimeoutMs: 60_000,
    bootTimeoutMs: 60_000,
    launchTimeoutMs: 3_600_000,
    networks: [],
    ipv6Preferred: false,
    cleanFloatingIps: false,
    availabilityZones: [],
    templateHostname: 'template-{image.name}-{timestamp}',
    securityGroups: [],
    launchRetries: 3,
    maxConcurrency: 0,
    sshPort: 22,
    images: [],
  };
}
