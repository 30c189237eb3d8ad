import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ConfigError, formatFault } from '../../src/config/config-fault.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { aNodepoolYaml, inShort, parseTexts } from './config-texts.ts';

test('keys that are left out take their defaults, in milliseconds where they are times', () => {
  const { config, faults, warnings } = parseTexts({});

  expect([...faults, ...warnings]).toEqual([]);
  expect(config).toEqual({
    zmqPublishers: [],
    gearmanServers: [],
    cron: {
      imageUpdate: { source: '14 2 * * *', pattern: '0 14 2 * * *' },
      cleanup: { source: '* * * * *', pattern: '0 * * * * *' },
      check: { source: '*/15 * * * *', pattern: '0 0,15,30,45 * * * *' },
    },
    deleteDelayMs: 0,
    webapp: { port: 8005, listenAddress: '0.0.0.0' },
    maxHoldAgeMs: 0,
    buildLogRetention: 7,
    labels: [{ name: 'build', image: 'trusty', minReady: 2, subnodes: 0, providers: ['east'], maxReadyAgeMs: 0 }],
    providers: [expect.objectContaining({ name: 'east' })],
    targets: [
      {
        name: 'jenkins1',
        minRequestGapMs: 1000,
        hostname: '{label.name}-{provider.name}-{node_id}',
        subnodeHostname: '{label.name}-{provider.name}-{node_id}-{subnode_id}',
        assignViaGearman: false,
      },
    ],
    diskimages: [],
  });
});

test('a provider and its images take their defaults', () => {
  const [provider] = parseTexts({}).config?.providers ?? [];

  expect(provider).toMatchObject({
    maxServers: 4,
    minRequestGapMs: 1000,
    apiTimeoutMs: 60_000,
    bootTimeoutMs: 60_000,
    launchTimeoutMs: 3_600_000,
    networks: [],
    ipv6Preferred: false,
    cleanFloatingIps: false,
    availabilityZones: [],
    templateHostname: 'template-{image.name}-{timestamp}',
    imageType: 'qcow2',
    securityGroups: [],
    launchRetries: 3,
    maxConcurrency: 0,
    sshPort: 22,
  });
  expect(provider?.images).toEqual([
    {
      name: 'trusty',
      minRamMib: 1024,
      setup: 'prepare.sh',
      username: 'jenkins',
      userHome: '/home/jenkins',
      privateKey: '/var/lib/jenkins/.ssh/id_rsa',
      meta: {},
      pause: false,
    },
  ]);
});

test('every key is read', async () => {
  const yaml = await readFile('test/fixtures/config/every-key.yaml', 'utf8');

  const { config, faults, warnings } = parseTexts({ yaml });

  expect(inShort([...faults, ...warnings])).toEqual([]);
  await expect(`${JSON.stringify(config, null, 2)}\n`).toMatchFileSnapshot('../fixtures/config/every-key.json');
});

test('the configuration is frozen to its leaves, because it is passed around', () => {
  const { config } = parseTexts({ yaml: aNodepoolYaml({ top: 'dburi: postgresql://db/nodepool' }) });

  expect(Object.isFrozen(config?.providers[0]?.images[0]?.meta)).toBe(true);
  expect(Object.isFrozen(config?.labels)).toBe(true);
  expect(config?.databaseUrl).toEqual(new Secret('postgresql://db/nodepool'));
});

test('faults of all files are listed at once, each with its place', () => {
  const outcome = parseTexts({
    yaml: aNodepoolYaml({ top: 'webapp: {port: high}', labels: 'labels: [{name: build}]' }),
    secure: 'dburi=x\n',
    clouds: { clouds: { path: 'clouds.yaml', text: 'clouds: [a]' } },
  });

  expect(outcome.config).toBeUndefined();
  expect(outcome.faults.map(formatFault)).toEqual([
    'clouds.yaml:1:9: clouds: Expected a map of clouds',
    'nodepool.yaml:1:16: webapp.port: Expected a whole number, found the text "high"',
    'nodepool.yaml:2:10: labels[0].image: Required key "image" is missing',
    'nodepool.yaml:2:10: labels[0].providers: Required key "providers" is missing',
    'secure.conf:1:1: dburi: Key "dburi" stands before the first section',
  ]);
  expect(new ConfigError(outcome.faults).message).toContain('labels[0].image: Required key "image" is missing');
});

test('a provider with a fault of its own is still known to the labels, so that one slip is one fault', () => {
  const { faults } = parseTexts({ yaml: aNodepoolYaml({ providers: 'providers: [{name: east, images: []}]' }) });

  expect(inShort(faults)).toEqual(['nodepool.yaml:3 Required key "max-servers" is missing']);
});

test('secrets of a wrong type are not shown', () => {
  const { faults, warnings } = parseTexts({
    yaml: aNodepoolYaml({
      top: 'dburi: 31415',
      targets: 'targets: [{name: j, jenkins: {url: "http://j", apikey: yes}}]',
    }),
  });

  expect(inShort([...faults, ...warnings])).toEqual([
    'nodepool.yaml:4 Expected a text, found the boolean',
    'nodepool.yaml:1 Expected a text, found the number: it is read as text, put it into quotes',
  ]);
});

test('an image without setup is built by the disk image of its own name, as files of 0.4 expect', () => {
  const providers = `diskimages: [{name: trusty}, {name: other}]
providers: [{name: east, max-servers: 1, images: [
  {name: trusty, min-ram: 1}, {name: other, min-ram: 1, setup: prepare.sh}, {name: third, min-ram: 1, diskimage: trusty}]}]`;

  const { config } = parseTexts({ yaml: aNodepoolYaml({ providers }) });

  expect(config?.providers[0]?.images.map(({ diskimage }) => diskimage)).toEqual(['trusty', undefined, 'trusty']);
});

test('a misspelt name gets the nearest one as a hint', () => {
  const { faults } = parseTexts({
    yaml: aNodepoolYaml({ labels: 'labels: [{name: build, image: trusty, providers: [{name: eats}]}]' }),
  });

  expect(inShort(faults)).toEqual(['nodepool.yaml:2 Unknown provider "eats" (did you mean "east"?)']);
});

test('thousands of faults end in a count, so that a log stays readable', () => {
  const { faults } = parseTexts({ yaml: `providers: [${'{}, '.repeat(1000)}]` });

  expect(faults).toHaveLength(501);
  expect(faults.at(-1)?.message).toBe('And 2500 more');
});

test('keys with special names of JavaScript are ordinary unknown keys', () => {
  const { config, warnings } = parseTexts({
    yaml: aNodepoolYaml({ top: '__proto__: {a: 1}\nconstructor: 1' }),
  });

  expect(warnings).toHaveLength(2);
  expect(config).not.toHaveProperty('a');
});
