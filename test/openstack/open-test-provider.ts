import { onTestFinished } from 'vitest';
import type { CloudConfig, ProviderConfig } from '../../src/config/config.ts';
import type { CallReport } from '../../src/openstack/api-caller.ts';
import { openProvider, type ProviderDeps } from '../../src/openstack/open-provider.ts';
import type { CloudProvider } from '../../src/provider/cloud-provider.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { SkippingClock } from './skipping-clock.ts';

export type TestProvider = {
  readonly provider: CloudProvider;
  readonly clock: SkippingClock;
  readonly log: RecordingLogger;
  readonly calls: CallReport[];
};

/** The adapter on a cloud at `url`, with a clock that skips pauses. Closed when the test ends. */
export function openTestProvider(
  url: string,
  config: Partial<ProviderConfig> = {},
  deps: Partial<ProviderDeps> = {},
): TestProvider {
  const clock = new SkippingClock();
  const log = new RecordingLogger();
  const calls: CallReport[] = [];
  const provider = openProvider(
    { ...aProvider(url), ...config },
    {
      clock,
      log,
      tasks: new TaskBoard(clock),
      randomness: new CountingRandomness(),
      onCall: (report) => calls.push(report),
      ...deps,
    },
  );
  onTestFinished(() => provider.close());
  return { provider, clock, log, calls };
}

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

function aProvider(url: string): ProviderConfig {
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
