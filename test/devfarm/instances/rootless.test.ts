import { chown, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { defaultCacheFolder } from '../../../devfarm/instances/base-image.ts';
import type { InstanceHost } from '../../../devfarm/instances/instance-host.ts';
import { listLaunchersBelow } from '../../../devfarm/instances/process-table.ts';
import { OPEN_HOST_MS, openInstanceHost } from '../../peers/instance-host.ts';
import { SshLogin } from '../../peers/ssh-login.ts';
import { HostProgram, KillableHost } from './killable-host.ts';

const NOBODY = 65_534;
let program: HostProgram;
let neighbour: InstanceHost;
let login: SshLogin;
let stateDir: string;

// The neighbour holds a loopback network that no other test has, and fills the cache of root file systems.
beforeAll(async () => {
  program = await HostProgram.bundle();
  neighbour = await openInstanceHost();
  login = await SshLogin.create();
  stateDir = join(dirname(neighbour.stateDir), `nodepool-test-rootless-${process.pid}`);
}, OPEN_HOST_MS);
beforeEach(async () => {
  await mkdir(stateDir, { recursive: true });
  if (process.getuid?.() === 0) await chown(stateDir, NOBODY, NOBODY);
});
afterAll(async () => {
  await neighbour.destroyAll();
  await rm(stateDir, { recursive: true, force: true });
  await login[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
}, 30_000);

function startAsUser(subuid: string, prefix: readonly string[] = []): KillableHost {
  const words = program.command({ stateDir, network: neighbour.network, cacheDir: defaultCacheFolder() });
  const command = [...prefix, ...words];
  if (process.getuid?.() !== 0) return new KillableHost(command);
  return new KillableHost(['unshare', '--mount', '--', 'sh', '-ec', BECOME_NOBODY, 'user', subuid, ...command]);
}

test('a plain user with a range of uids has instances too, on a port it may bind', { timeout: 60_000 }, async () => {
  const farm = startAsUser('nobody:3000000:65536');
  const opened = await farm.next();
  await farm.ask('build', 'base');
  const { result: id = '' } = await farm.ask('boot', 'template', login.publicKey);
  const { result: image } = await farm.ask('snapshot', id);

  const facts = await login.run(
    { address: `${neighbour.network}.0.2`, port: opened.port ?? 0 },
    'hostname; stat -c %U /usr/bin/passwd /home/debian',
  );
  const answer = await farm.ask('destroy', '');
  await farm.kill();

  expect(opened.kind).toBe('rootless');
  expect(image).toBe(`of-${id}`);
  expect(facts).toBe('template\nroot\ndebian');
  expect(answer).toEqual({ result: 'destroyed' });
  expect(listLaunchersBelow(`${stateDir}/`)).toEqual([]);
});

test(
  'a plain user in a network of its own is root there, and instances have port 22',
  { timeout: 60_000 },
  async () => {
    const own = [
      'unshare',
      '--user',
      '--map-root-user',
      '--map-auto',
      '--net',
      '--',
      'sh',
      '-ec',
      'ip link set lo up; exec "$@"',
      'own',
    ];
    const farm = startAsUser('nobody:3000000:65536', own);
    const opened = await farm.next();
    await farm.ask('build', 'base');
    const { result: id = '' } = await farm.ask('boot', 'inside');
    const { result: image } = await farm.ask('snapshot', id);
    const answer = await farm.ask('destroy', '');
    await farm.kill();

    expect(opened).toEqual({ kind: 'mapped', port: 22 });
    expect(image).toBe(`of-${id}`);
    expect(answer).toEqual({ result: 'destroyed' });
  },
);

test('a user without a range of uids is told so in one line', { timeout: 15_000 }, async () => {
  const farm = startAsUser('somebody:3000000:65536');

  const { error } = await farm.next();
  await farm.kill();

  expect(error).toBe('Cannot make instances: this needs root, or a range for user "nobody" in /etc/subuid');
});

/** In a mount namespace, so the machine's own /etc stays as it is. */
const BECOME_NOBODY = `range=$1
shift
mount -t tmpfs tmpfs /mnt
cp -a /etc /mnt/etc
echo "$range" >/mnt/etc/subuid
echo "$range" >/mnt/etc/subgid
mount --bind /mnt/etc /etc
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`;
