import type {
  CloudConfig,
  Config,
  JenkinsConfig,
  LabelConfig,
  ProviderConfig,
  ProviderImageConfig,
  TargetConfig,
} from '../../src/config/config.ts';
import { parseCronSchedule } from '../../src/config/cron-schedule.ts';
import { Secret } from '../../src/runtime/secret.ts';

/** Label `trusty` of image `trusty` in `fake-provider`: no ready script, no subnodes. */
export function aLabel(facts: Partial<LabelConfig> = {}): LabelConfig {
  return {
    name: 'trusty',
    image: 'trusty',
    minReady: 1,
    subnodes: 0,
    consoleLog: false,
    providers: ['fake-provider'],
    maxReadyAgeMs: 0,
    recycleSuperseded: 0,
    ...facts,
  };
}

/** Image `trusty`, a snapshot of `Ubuntu 14.04`. */
export function aProviderImage(facts: Partial<ProviderImageConfig> = {}): ProviderImageConfig {
  return {
    name: 'trusty',
    minRamMib: 8192,
    baseImage: 'Ubuntu 14.04',
    setup: 'prepare_node.sh',
    rebuildOnBaseChange: false,
    username: 'jenkins',
    userHome: '/home/jenkins',
    privateKey: '/var/lib/nodepool/.ssh/id_rsa',
    meta: {},
    consoleLog: false,
    pause: false,
    smokeTest: false,
    rollbackAfter: 0,
    ...facts,
  };
}

/** A cloud that is logged in to by password. */
export function aCloudConfig(facts: Partial<CloudConfig> = {}): CloudConfig {
  return { ...aCloudOfOneRegion(), regionName: 'region-1', ...facts };
}

/** The same, whose profile names no region. */
export function aCloudOfOneRegion(facts: Partial<CloudConfig> = {}): CloudConfig {
  return {
    name: 'fake-cloud',
    authUrl: 'https://cloud.example.org/v3',
    auth: { kind: 'password', username: 'nodepool', password: new Secret('the password') },
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

/** Provider `fake-provider` with image `trusty` and upstream's limits. */
export function aProvider(facts: Partial<ProviderConfig> = {}): ProviderConfig {
  return {
    name: 'fake-provider',
    cloud: aCloudConfig(),
    maxServers: 10,
    minRequestGapMs: 1000,
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
    images: [aProviderImage()],
    ...facts,
  };
}

export function aJenkins(facts: Partial<JenkinsConfig> = {}): JenkinsConfig {
  return { url: 'https://jenkins.example.org', user: 'nodepool', apiKey: new Secret('the api key'), ...facts };
}

/** Target `fake-target` with a Jenkins. */
export function aTarget(facts: Partial<TargetConfig> = {}): TargetConfig {
  return {
    name: 'fake-target',
    minRequestGapMs: 1000,
    hostname: '{label.name}-{provider.name}-{node_id}.example.org',
    subnodeHostname: '{label.name}-{provider.name}-{node_id}-{subnode_id}.example.org',
    assignViaGearman: false,
    jenkins: aJenkins(),
    ...facts,
  };
}

/** One label, one provider, one target. */
export function aConfig(facts: Partial<Config> = {}): Config {
  return {
    zmqPublishers: [],
    gearmanServers: [],
    cron: {
      imageUpdate: parseCronSchedule('14 2 * * *'),
      cleanup: parseCronSchedule('* * * * *'),
      check: parseCronSchedule('*/15 * * * *'),
    },
    deleteDelayMs: 0,
    webapp: { port: 8005, listenAddress: '0.0.0.0' },
    maxHoldAgeMs: 0,
    buildLogRetention: 7,
    labels: [aLabel()],
    providers: [aProvider()],
    targets: [aTarget()],
    diskimages: [],
    ...facts,
  };
}
