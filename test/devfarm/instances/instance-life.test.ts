import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findInstanceProcess } from '../../../devfarm/instances/instance-process.ts';
import { formatIdentity, isRunning } from '../../../devfarm/instances/process-identity.ts';
import { listPidsInside } from '../../../devfarm/instances/process-table.ts';
import { BASE_IMAGE, OPEN_HOST_MS } from '../../peers/instance-host.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { until } from '../../peers/until.ts';

const BOOT_MS = 30_000;
let bench: InstanceBench;

beforeAll(async () => {
  bench = await InstanceBench.open();
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
}, BOOT_MS);

describe('an instance that runs', () => {
  test('is ACTIVE, answers ssh as root, and has its own host name', { timeout: BOOT_MS }, async () => {
    const instance = await bench.boot({ name: 'first' });

    expect(await bench.host.status(instance.id)).toBe('ACTIVE');
    expect(await bench.login.run(instance, 'hostname; cat /etc/hostname; id -un')).toBe('first\nfirst\nroot');
  });

  test(
    'lets the user of cloud images in too, with sudo, for scripts that log in as debian',
    { timeout: BOOT_MS },
    async () => {
      const instance = await bench.boot();

      expect(await bench.login.run(instance, 'sudo id -un', 'debian')).toBe('root');
    },
  );

  test('reaps orphans, so that a long job does not fill the process table', { timeout: BOOT_MS }, async () => {
    const instance = await bench.boot();

    await bench.login.run(instance, 'for i in 1 2 3 4 5; do (sh -c "sleep 0.1 &"); done; sleep 0.4');

    expect(
      await bench.login.run(instance, 'grep -c "^State:.*zombie" /proc/[0-9]*/status | grep -vc ":0$"; true'),
    ).toBe('0');
  });

  test('shows the mounts of no instance on the host', { timeout: BOOT_MS }, async () => {
    await bench.boot();

    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(bench.stateDir);
  });

  test('runs user-data once, at the first boot', { timeout: BOOT_MS }, async () => {
    const instance = await bench.boot({ userData: '#!/bin/sh\necho ran >>/root/user-data\n' });
    const ranOnce = async (): Promise<boolean> =>
      (await bench.host.console(instance.id)).includes('user-data ended with 0');
    await until('user-data ran', ranOnce);

    await bench.restart(instance);

    expect(await bench.login.run(instance, 'cat /root/user-data')).toBe('ran');
  });

  test('gets sshd back when a script restarts or kills it', { timeout: BOOT_MS }, async () => {
    const instance = await bench.boot();
    const listeners = 'ls -d $(grep -l "^sshd$" /proc/[0-9]*/comm 2>/dev/null) >/dev/null; cat /run/sshd.pid';
    const before = await bench.login.run(instance, listeners);

    await bench.login.run(instance, 'service ssh restart');
    await bench.host.waitForSsh(instance.id);
    const restarted = await bench.login.run(instance, listeners);
    await bench.login.run(instance, 'kill $(cat /run/sshd.pid)');
    await until(
      'another sshd has the port',
      async () => (await bench.login.run(instance, listeners).catch(() => restarted)) !== restarted,
    );

    expect(restarted).not.toBe(before);
    expect(await bench.host.console(instance.id)).not.toContain('Cannot bind');
  });
});

describe('the end of an instance', () => {
  test('comes for all inside with the death of init', { timeout: BOOT_MS }, async () => {
    const instance = await bench.boot();
    await bench.login.run(instance, 'setsid nohup sleep 4711 >/dev/null 2>&1 </dev/null &');
    const running = await bench.processOf(instance);
    const before = listPidsInside(running.init);

    process.kill(running.init.pid, 'SIGKILL');
    await until('init is gone', async () => !(await isRunning(running.init)));

    expect(before.length).toBeGreaterThanOrEqual(3);
    expect(await bench.aliveOf(before)).toEqual([]);
    expect(await bench.host.status(instance.id)).toBe('SHUTOFF');
  });

  test(
    'comes with the death of the launcher too, which leaves no namespace without a keeper',
    { timeout: BOOT_MS },
    async () => {
      const instance = await bench.boot();
      const { launcher, init } = await bench.processOf(instance);

      process.kill(launcher?.pid ?? 0, 'SIGKILL');

      await until('init is gone', async () => !(await isRunning(init)));
      expect(await bench.host.status(instance.id)).toBe('SHUTOFF');
    },
  );

  test('is not seen in, nor brought to, a process that got the same pid later', { timeout: BOOT_MS }, async () => {
    const instance = await bench.boot();
    await bench.host.kill(instance.id);
    const other = execa('sleep', ['60'], { reject: false });
    const identity = {
      pid: other.pid ?? 0,
      startTime: '12345',
      bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
    };
    await writeFile(join(bench.stateDir, 'instances', instance.id, 'init'), formatIdentity(identity));

    const status = await bench.host.status(instance.id);
    await bench.host.stop(instance.id);
    await bench.host.delete(instance.id);

    expect(status).toBe('SHUTOFF');
    expect(other.exitCode).toBeNull();
    other.kill('SIGKILL');
    expect((await other).signal).toBe('SIGKILL');
  });

  test('comes by poweroff from within', { timeout: BOOT_MS }, async () => {
    const instance = await bench.boot();

    await bench.login.run(instance, 'poweroff').catch(() => undefined); // may be cut off

    await until('it is off', async () => (await bench.host.status(instance.id)) === 'SHUTOFF');
    expect(await findInstanceProcess(join(bench.stateDir, 'instances', instance.id))).toBeUndefined();
  });
});

describe('a reboot', () => {
  test(
    'keeps host keys, identity and files, empties /tmp, and starts services again',
    { timeout: BOOT_MS },
    async () => {
      const instance = await bench.boot();
      await bench.login.run(instance, SERVICE);
      const facts =
        'cat /etc/ssh/ssh_host_ed25519_key.pub /var/lib/devfarm/instance-id /etc/machine-id /root/kept; ls -A /tmp | wc -l';
      const before = await bench.login.run(instance, 'echo kept >/root/kept; ' + facts);
      await bench.login.run(instance, 'touch /tmp/gone');
      const { init } = await bench.processOf(instance);

      await bench.login.run(instance, 'reboot').catch(() => undefined); // may be cut off
      await until('it came back', async () => (await bench.host.console(instance.id)).includes('after a reboot'));
      await bench.host.waitForSsh(instance.id);

      expect(await bench.login.run(instance, facts)).toBe(before);
      await until(
        'the service ran again',
        async () => (await bench.login.run(instance, 'wc -l </root/service')) === '1',
      );
      expect((await bench.processOf(instance)).init).toEqual(init);
    },
  );

  test('is refused for what does not run', { timeout: BOOT_MS }, async () => {
    const instance = await bench.host.create({ image: BASE_IMAGE, name: 'off', authorizedKeys: [] });

    await expect(bench.host.reboot(instance.id)).rejects.toThrow(
      `Cannot reboot instance "${instance.id}": it is not running`,
    );
    expect(await bench.host.status(instance.id)).toBe('BUILD');
  });
});

/** A service as a package would enable it: it leaves a line at each start. */
const SERVICE = `printf '#!/bin/sh\\n[ "$1" != start ] || echo started >>/root/service\\n' >/etc/init.d/probe
chmod +x /etc/init.d/probe; ln -s ../init.d/probe /etc/rc2.d/S20probe`;
