import { mkdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceHost } from '../../../devfarm/instances/instance-host.ts';
import { OPEN_HOST_MS, openInstanceHost } from '../../peers/instance-host.ts';
import { SshLogin } from '../../peers/ssh-login.ts';
import { HostProgram, KillableHost } from './killable-host.ts';

let program: HostProgram;
let neighbour: InstanceHost;
let login: SshLogin;
let stateDir: string;

// The neighbour holds a loopback network that no other test has, and fills the cache of root file systems.
beforeAll(async () => {
  program = await HostProgram.bundle();
  neighbour = await openInstanceHost();
  login = await SshLogin.create();
  stateDir = `${neighbour.stateDir}-small`;
  await mkdir(stateDir);
}, OPEN_HOST_MS);
afterAll(async () => {
  await neighbour.destroyAll();
  await login[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
  await rm(stateDir, { recursive: true, force: true });
}, 30_000);

/** A farm whose state folder is a small file system, in a mount namespace: it goes with the farm and its instances. */
function startOn(size: string): KillableHost {
  const words = program.command({ stateDir, network: neighbour.network, port: neighbour.port });
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user', '--map-auto'];
  const mount = 'mount -t tmpfs -o "size=$1" tmpfs "$2"; shift 2; exec "$@"';
  return new KillableHost(['unshare', ...user, '--mount', '--', 'sh', '-ec', mount, 'small', size, stateDir, ...words]);
}

test('an image that does not fit on the disk is refused and leaves nothing', { timeout: 30_000 }, async () => {
  const farm = startOn('60m');
  await farm.next();

  const { error } = await farm.ask('build', 'base');
  const { result: files } = await farm.ask('files', '');
  await farm.kill();

  expect(error).toMatch(/^Cannot unpack ".+": .+ \(the disk is full\)$/);
  expect(files).toBe('');
});

test(
  'a snapshot that does not fit is refused and leaves nothing, and its instance lives on',
  { timeout: 30_000 },
  async () => {
    const farm = startOn('300m');
    const { port = 0 } = await farm.next();
    await farm.ask('build', 'base');
    const { result: id = '' } = await farm.ask('boot', 'big', login.publicKey);
    const server = { address: `${neighbour.network}.0.2`, port };
    await login.run(server, FILL_MOST);
    const before = await farm.ask('files', '');

    const { error } = await farm.ask('snapshot', id);
    const after = await farm.ask('files', '');
    const answer = await login.run(server, 'echo awake');
    await farm.ask('destroy', '');
    await farm.kill();

    expect(error).toContain('(the disk is full)');
    expect(after).toEqual(before);
    expect(answer).toBe('awake');
  },
);

const FILL_MOST = 'head -c $(( $(stat -f -c "%a * %S" /) * 6 / 10 )) /dev/zero >/root/big';
