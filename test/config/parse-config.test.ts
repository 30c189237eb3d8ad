import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
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
    places: {},
    maxHoldAgeMs: 0,
    buildLogRetention: 7,
    labels: [
      {
        ...{ name: 'build', image: 'trusty', minReady: 2, subnodes: 0, consoleLog: false },
        ...{ providers: ['east'], maxReadyAgeMs: 0, recycleSuperseded: 0 },
      },
    ],
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
      consoleLog: false,
      pause: false,
      rebuildOnBaseChange: false,
      smokeTest: false,
      rollbackAfter: 0,
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

describe('an address that is none is a fault where it stands', () => {
  const expected = 'Expected an address such as';

  test.each(['notaurl', 'keystone:5000/v3', 'http:/keystone', 'ftp://keystone/v3', 'http://'])(
    'auth-url: %s',
    (url) => {
      const { faults } = parseTexts({
        yaml: aNodepoolYaml({
          providers: `providers:\n  - {name: east, max-servers: 1, images: [{name: trusty, min-ram: 1, setup: x}],\n     auth-url: "${url}"}`,
        }),
      });

      expect(faults.map(formatFault)).toEqual([
        `nodepool.yaml:5:16: auth-url: ${expected} "https://keystone.example.org:5000/v3", found "${url}"`,
      ]);
    },
  );

  test('auth_url of clouds.yaml', () => {
    const { faults } = parseTexts({
      yaml: aNodepoolYaml({
        providers:
          'providers: [{name: east, cloud: c, max-servers: 1, images: [{name: trusty, min-ram: 1, setup: x}]}]',
      }),
      clouds: { clouds: { path: 'clouds.yaml', text: 'clouds:\n  c:\n    auth: {auth_url: nowhere}\n' } },
    });

    expect(faults.map(formatFault)).toEqual([
      `clouds.yaml:3:22: c.auth.auth_url: ${expected} "https://keystone.example.org:5000/v3", found "nowhere"`,
    ]);
  });

  test.each([
    [undefined, 'nodepool.yaml:4:43', ', found "nowhere"'],
    // Where it stands beside passwords, it may be one.
    ['[jenkins "jenkins1"]\nuser=x\nurl=nowhere\n', 'secure.conf:3:1', ''],
  ])('url of a Jenkins', (secure, place, found) => {
    const { faults } = parseTexts({
      yaml: aNodepoolYaml({ targets: 'targets: [{name: jenkins1, jenkins: {url: nowhere}}]' }),
      ...(secure === undefined ? {} : { secure }),
    });

    const path = 'targets[0].jenkins.url';
    expect(faults.map(formatFault)).toEqual([`${place}: ${path}: ${expected} "https://jenkins.example.org"${found}`]);
  });
});

describe('a database without address is a fault and never a reason for a local one', () => {
  const message = 'Key "dburi" has no value: give the address of a Postgres, or remove the key for a local one';

  test.each(['dburi:', 'dburi: ""'])('%s in nodepool.yaml', (top) => {
    const { config, faults } = parseTexts({ yaml: aNodepoolYaml({ top }) });

    expect(config).toBeUndefined();
    expect(faults.map(formatFault)).toEqual([`nodepool.yaml:1:1: dburi: ${message}`]);
  });

  test.each(['dburi=', "dburi = ''"])('%s in secure.conf, whatever nodepool.yaml says', (line) => {
    const { config, faults } = parseTexts({
      yaml: aNodepoolYaml({ top: 'dburi: postgresql://db/nodepool' }),
      secure: `[database]\n${line}\n`,
    });

    expect(config).toBeUndefined();
    expect(faults.map(formatFault)).toEqual([`secure.conf:2:1: database.dburi: ${message}`]);
  });

  test('an empty one in nodepool.yaml is no harm where secure.conf has the address', () => {
    const { config, faults } = parseTexts({
      yaml: aNodepoolYaml({ top: 'dburi:' }),
      secure: '[database]\ndburi=postgresql://db/nodepool\n',
    });

    expect(faults).toEqual([]);
    expect(config?.databaseUrl).toEqual(new Secret('postgresql://db/nodepool'));
    expect(config?.places?.databaseUrl).toEqual({ file: 'secure.conf', line: 2, column: 1 });
  });
});

describe('negative numbers', () => {
  const provider = (keys: string): string =>
    aNodepoolYaml({
      providers: `providers: [{name: east, auth-url: "http://k", images: [{name: trusty, min-ram: 1, setup: x}], ${keys}}]`,
    });

  test.each(['rate', 'api-timeout', 'boot-timeout', 'launch-timeout', 'launch-retries'])(
    '%s: -5 is a fault with its place',
    (key) => {
      const { faults } = parseTexts({ yaml: provider(`max-servers: 1, ${key}: -5`) });

      expect(faults.map(formatFault)).toEqual([
        expect.stringMatching(
          `^nodepool.yaml:3:\\d+: providers\\[0\\].${key}: Expected a number.*found the number "-5"$`,
        ),
      ]);
    },
  );

  test('max-servers: -1 drains, as upstream’s operators write it; less is doubtful', () => {
    const usual = parseTexts({ yaml: provider('max-servers: -1') });
    const odd = parseTexts({ yaml: provider('max-servers: -5') });

    expect([...usual.faults, ...usual.warnings]).toEqual([]);
    expect(odd.faults).toEqual([]);
    expect(odd.warnings.map(formatFault)).toEqual([
      expect.stringMatching(
        /^nodepool.yaml:3:\d+: providers\[0\].max-servers: Expected a number of servers of 0 or more, found -5: nothing is launched$/,
      ),
    ]);
  });
});

test('image-failure-hook is the whole path of a program, which is looked for nowhere and gets no arguments', () => {
  const hook = (path: string) => parseTexts({ yaml: aNodepoolYaml({ top: `image-failure-hook: ${path}` }) });

  expect(hook('/etc/nodepool/a hook').config?.imageFailureHook).toBe('/etc/nodepool/a hook');
  expect(hook('image-failed --loud').faults.map(formatFault)).toEqual([
    'nodepool.yaml:1:21: image-failure-hook: Expected the whole path of a program, such as "/etc/nodepool/hook", ' +
      'found "image-failed --loud"',
  ]);
});
