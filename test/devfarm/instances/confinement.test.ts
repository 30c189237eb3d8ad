import { mkdir, rm, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instance } from '../../../devfarm/instances/instance-store.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { OPEN_HOST_MS } from '../../peers/instance-host.ts';

const BOOT_MS = 30_000;
let bench: InstanceBench;
let instance: Instance;

beforeAll(async () => {
  bench = await InstanceBench.open();
  instance = await bench.boot();
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
}, BOOT_MS);

describe('root of an instance cannot', () => {
  const allowed = '&& echo done || echo refused';
  test.each([
    ['make a disk', `mknod /root/disk b 254 0 2>/dev/null ${allowed}`],
    ['set a sysctl of the host', `sh -c "echo 1 >/proc/sys/kernel/panic" 2>/dev/null ${allowed}`],
    ['change the network', `ip link set lo mtu 65000 2>/dev/null ${allowed}`],
    ['trigger a sysrq', `sh -c "echo h >/proc/sysrq-trigger" 2>/dev/null ${allowed}`],
  ])('%s', { timeout: BOOT_MS }, async (_what, command) => {
    expect(await bench.login.run(instance, command)).toBe('refused');
  });

  test('mount, where a mount would count on the host', { timeout: BOOT_MS }, async () => {
    const answer = await bench.login.run(instance, `mount -t tmpfs x /mnt 2>/dev/null ${allowed}`);

    expect(answer).toBe(bench.host.mode.kind === 'rootless' ? 'done' : 'refused');
  });

  test('see processes of the host', { timeout: BOOT_MS }, async () => {
    expect(Number(await bench.login.run(instance, 'ls -d /proc/[0-9]* | wc -l'))).toBeLessThan(15);
  });

  test('leave by chroot', { timeout: BOOT_MS }, async () => {
    expect(await bench.login.run(instance, CHROOT_ESCAPE)).toBe('inside');
  });

  test('read secrets of the farm from the environment of PID 1', { timeout: BOOT_MS }, async () => {
    const names = await bench.login.run(instance, 'tr "\\0" "\\n" </proc/1/environ | cut -d= -f1');

    expect(
      names
        .split('\n')
        .filter((name) => name !== 'PATH' && name !== 'PWD' && name !== 'SHLVL' && name !== '_' && name !== 'OLDPWD'),
    ).toEqual([]);
  });

  test('use a device node that a layer holds', { timeout: BOOT_MS }, async () => {
    expect(await bench.login.run(instance, 'grep " / overlay " /proc/mounts')).toContain('nodev');
  });
});

test('an instance can set its host name, as setup scripts do', { timeout: BOOT_MS }, async () => {
  expect(await bench.login.run(instance, 'hostname other && hostname')).toBe('other');
});

test('two instances reach each other', { timeout: BOOT_MS }, async () => {
  const other = await bench.boot();

  const command = `exec 3<>/dev/tcp/${instance.address}/${instance.port}; read -r line <&3; echo \${line%%_*}`;

  expect(await bench.login.run(other, `bash -c '${command}'`)).toBe('SSH-2.0-OpenSSH');
});

test('a boot runs no program of the image with more than the instance may have', { timeout: BOOT_MS }, async () => {
  const evil = await bench.boot();
  const bounds = 'grep CapBnd /proc/1/status';
  const before = await bench.login.run(evil, bounds);
  await bench.login.run(evil, REPLACE_PROGRAMS);

  await bench.restart(evil);

  const effective = (await bench.login.run(evil, '/bin/cat /trojan 2>/dev/null; true'))
    .split('\n')
    .filter((line) => line !== '');
  expect(await bench.login.run(evil, bounds)).toBe(before);
  expect(effective.filter((line) => line.split('\t')[1] !== before.split('\t')[1])).toEqual([]);
});

test('a link in the image leads nowhere on the host, and is refused at boot', { timeout: BOOT_MS }, async () => {
  const canary = '/tmp/nodepool-instance-canary';
  await mkdir(canary, { recursive: true });
  const evil = await bench.boot();
  await bench.login.run(evil, 'rm -rf /tmp; ln -s / /tmp');

  await bench.host.snapshot(evil.id, 'evil');
  const child = await bench.host.create({ image: 'evil', name: 'child', authorizedKeys: [] });

  await expect(bench.host.start(child.id)).rejects.toThrow('/tmp is a symbolic link in the image, refused');
  expect((await stat(canary)).isDirectory()).toBe(true);
  await rm(canary, { recursive: true });
});

test('only root of the host enters the folder, for instances may leave setuid programs there', async () => {
  expect((await stat(bench.stateDir)).mode & 0o777).toBe(0o700);
});

const CHROOT_ESCAPE =
  'perl -e "mkdir q(/x); opendir(D, q(/)); chroot q(/x); chdir q(..) for 1..50; chroot q(.); print -e q(/run/devfarm/init) ? q(inside) : q(out)"';

const REPLACE_PROGRAMS = `for t in mount umount mv rmdir cp perl setpriv pivot_root chroot hostname; do
  f=$(command -v $t) || continue
  rm $f
  printf '#!/bin/sh\\ngrep CapEff /proc/self/status >>/trojan\\n' >$f
  chmod +x $f
done`;
