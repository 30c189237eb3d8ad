import { expect, test } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import { RequestRefusedError } from '../../src/provider/errors.ts';
import { aProviderSection, configOf } from '../builders/config-of.ts';
import { ONLY_KEY_PAIR } from '../fakes/only-key-pairs.ts';
import { BuildBench, INSTALLATION } from './build-bench.ts';

const START_S = Date.UTC(2026, 0, 1) / 1000;
const HOSTNAME = `template-trusty-${START_S}`;

test('a build ends with an image that is ready, and with nothing else left in the cloud', async () => {
  const bench = new BuildBench();

  await bench.build(await bench.insert());

  const row = bench.row();
  expect(row).toMatchObject({ state: 'ready', hostname: HOSTNAME, version: START_S, hostKey: 'sha256:HOSTKEY' });
  expect(row.serverExternalId).toBeUndefined();
  expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [row.externalId] });
  expect(bench.updated).toEqual([{ provider: 'fake-provider', image: 'trusty', ms: expect.any(Number) as number }]);
  expect(bench.machines.openSessions).toBe(0);
});

test('the image bears the configured meta, its host’s name, and whose it is', async () => {
  const images = [{ name: 'trusty', 'base-image': 'base', setup: 's.sh', 'min-ram': 1, meta: { show: 'true' } }];
  const bench = new BuildBench({ config: configOf({ providers: [aProviderSection({ images })] }) });

  await bench.build(await bench.insert());

  expect(bench.cloud.images.peekAll().at(-1)).toMatchObject({
    name: HOSTNAME,
    properties: {
      show: 'true',
      nodepool_provider_name: 'fake-provider',
      nodepool_snapshot_image_id: '1',
      nodepool_installation: INSTALLATION,
    },
  });
});

test('the image is ready only when it is active and its server’s task is over too', async () => {
  const bench = new BuildBench({ cloud: { snapshotTakesPolls: 3 } });
  const seen: (string | undefined)[] = [];
  const { cloud } = bench;
  const findServer = cloud.findServer.bind(cloud);
  cloud.findServer = async (id, signal) => {
    const server = await findServer(id, signal);
    seen.push(`${cloud.images.peekAll().at(-1)?.status ?? ''} ${server?.taskState ?? 'idle'} ${bench.row().state}`);
    return server;
  };

  await bench.build(await bench.insert());

  expect(seen).toEqual(['active image_uploading building', 'active idle building']);
  expect(bench.row().state).toBe('ready');
});

test('scripts are copied and opened to all before the setup script runs in one shell line, and disks are synced', async () => {
  const bench = new BuildBench();

  await bench.build(await bench.insert());

  expect(bench.machines.copies).toEqual([{ local: '/scripts', remote: 'scripts' }]);
  expect(bench.machines.commands).toEqual([
    'mkdir -p /etc/nodepool && chmod 0777 /etc/nodepool',
    'rm -rf /opt/nodepool-scripts && mv scripts /opt/nodepool-scripts && chmod -R a+rx /opt/nodepool-scripts',
    'export PATH=/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/bin:/usr/bin; ' +
      `cd /opt/nodepool-scripts && ./prepare.sh ${HOSTNAME} && sync`,
  ]);
});

test('a cloud image that refuses root is used as its distribution’s user, by sudo but for the script', async () => {
  const bench = new BuildBench();
  bench.machines.users = ['centos'];

  await bench.build(await bench.insert());

  expect(bench.machines.logins[0]).toMatchObject({
    host: '10.0.0.1',
    username: 'root',
    otherUsernames: ['ubuntu', 'fedora', 'cloud-user', 'centos', 'debian'],
    timeoutMs: 600_000,
    otherTimeoutMs: 10_000,
  });
  expect(bench.machines.commands).toEqual([
    'sudo mkdir -p /etc/nodepool && sudo chmod 0777 /etc/nodepool',
    expect.stringContaining('sudo mv scripts /opt/nodepool-scripts && sudo chmod -R a+rx') as string,
    expect.not.stringContaining('sudo') as string,
  ]);
});

test('without a script-dir nothing is copied', async () => {
  const bench = new BuildBench({ config: configOf({ 'script-dir': undefined }) });

  await bench.build(await bench.insert());

  expect(bench.machines.copies).toEqual([]);
  expect(bench.machines.commands).toHaveLength(2);
});

test('NODEPOOL variables reach the script as they are, whatever is in them', async () => {
  const bench = new BuildBench();
  bench.environment = { NODEPOOL_SSH_KEY: 'AAAA== me@host', NODEPOOL_ODD: `$(reboot) "x" 'y'` };

  await bench.build(await bench.insert());

  expect(bench.machines.commands.at(-1)).toContain(
    `NODEPOOL_SSH_KEY='AAAA== me@host' NODEPOOL_ODD='$(reboot) "x" '\\''y'\\''' ./prepare.sh`,
  );
});

test('the setup script’s output goes to the log line by line', async () => {
  const bench = new BuildBench();
  bench.machines.run = (command, { onLine }) => {
    if (command.includes('prepare.sh')) for (const line of ['one', 'two']) onLine?.(line);
    return undefined;
  };

  await bench.build(await bench.insert());

  expect(bench.output.messages('info')).toEqual(['one', 'two']);
});

test('the login key is a temporary keypair named after the host up to its first dot, and the row', async () => {
  const template = 'template-{image.name}.{timestamp}.example.org';
  const bench = new BuildBench({
    config: configOf({ providers: [aProviderSection({ 'template-hostname': template })] }),
  });
  let duringSetup: unknown;
  bench.machines.run = () => {
    duringSetup = [...bench.cloud.keypairs];
    return undefined;
  };

  await bench.build(await bench.insert());

  expect(duringSetup).toEqual([['template-trusty-1', 'ssh-rsa PUBLIC']]);
  expect(bench.machines.logins[0]?.credentials[0]).toEqual({ kind: 'key', privateKey: ONLY_KEY_PAIR.privateKey });
  expect(bench.left().keypairs).toEqual([]);
});

test('a configured keypair is used with the account’s keys and then the image’s, and outlives the build', async () => {
  const bench = new BuildBench({
    config: configOf({ providers: [aProviderSection({ keypair: 'infra', 'template-hostname': 'infra' })] }),
    cloud: { keypairs: ['infra'] },
  });
  let keyName: string | undefined;
  bench.machines.run = () => {
    keyName = bench.cloud.servers.peekAll()[0]?.keyName;
    return undefined;
  };

  await bench.build(await bench.insert());

  expect(keyName).toBe('infra');
  expect(bench.machines.logins[0]?.credentials.slice(0, 2)).toEqual([
    { kind: 'key-file', path: '/home/nodepool/.ssh/id_rsa' },
    { kind: 'key-file', path: '/var/lib/jenkins/.ssh/id_rsa' },
  ]);
  expect(bench.left().keypairs).toEqual(['infra']);
});

test('a cloud that refuses keypairs is logged in to with the admin password', async () => {
  const bench = new BuildBench();
  bench.cloud.failNext('createKeypair', new RequestRefusedError('Policy does not allow it'));

  await bench.build(await bench.insert());

  expect(bench.machines.logins[0]?.credentials).toEqual([
    { kind: 'password', password: new Secret('password-of-server-1') },
  ]);
  expect(bench.row().state).toBe('ready');
});
