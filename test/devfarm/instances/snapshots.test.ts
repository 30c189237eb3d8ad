import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freezeInstance } from '../../../devfarm/instances/freeze-instance.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { OPEN_HOST_MS } from '../../peers/instance-host.ts';
import { until } from '../../peers/until.ts';

const BOOT_MS = 30_000;
const MAX_LAYERS = 4;
let bench: InstanceBench;

beforeAll(async () => {
  bench = await InstanceBench.open({ maxLayers: MAX_LAYERS });
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
}, BOOT_MS);

test('a snapshot of a running instance is a new machine with the same files', { timeout: BOOT_MS }, async () => {
  const template = await bench.boot({ name: 'template' });
  const facts = 'cat /etc/machine-id /var/lib/devfarm/instance-id /etc/ssh/ssh_host_ed25519_key.pub';
  await bench.login.run(template, 'echo made >/root/mark; touch /tmp/scrap; rm /etc/debian_version');
  const origin = (await bench.login.run(template, facts)).split('\n');

  await bench.host.snapshot(template.id, 'made');
  const copy = await bench.boot({ image: 'made', name: 'copy' });

  expect(
    await bench.login.run(copy, 'cat /root/mark; ls -A /tmp; ls /etc/debian_version 2>&1 | grep -c "No such"'),
  ).toBe('made\n1');
  expect(await bench.login.run(copy, 'hostname; cat /etc/hostname; grep -c copy /etc/hosts')).toBe('copy\ncopy\n1');
  expect((await bench.login.run(copy, facts)).split('\n').filter((line) => origin.includes(line))).toEqual([]);
  expect(await bench.login.run(template, 'cat /root/mark')).toBe('made');
});

test(
  'keys injected into the origin are removed from the copy, keys that a script added stay',
  { timeout: BOOT_MS },
  async () => {
    const origin = await bench.boot();
    await bench.login.run(origin, 'echo "ssh-ed25519 AAAAC3Nz by-script" >>/root/.ssh/authorized_keys');
    await bench.host.snapshot(origin.id, 'keys');

    const other = 'ssh-ed25519 AAAAC3Nza other';
    const copy = await bench.boot({ image: 'keys', authorizedKeys: [bench.login.publicKey, other] });

    const keys = (await bench.login.run(copy, 'cat /root/.ssh/authorized_keys')).split('\n');
    expect(keys).toEqual([
      'ssh-ed25519 AAAAC3Nz by-script',
      `${bench.login.publicKey} devfarm-injected`,
      `${other} devfarm-injected`,
    ]);
  },
);

test('a snapshot under writes holds one moment, and the writer goes on', { timeout: BOOT_MS }, async () => {
  const writer = await bench.boot();
  await bench.login.run(writer, WRITE_FOR_EVER);

  await bench.host.snapshot(writer.id, 'moment');
  const then = Number(await bench.login.run(writer, 'cat /root/seq/1'));
  const copy = await bench.boot({ image: 'moment' });

  const counts = (await bench.login.run(copy, 'for f in /root/seq/*; do cat $f; echo; done')).split('\n').map(Number);
  expect(counts).toHaveLength(40);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  await until('the writer went on', async () => Number(await bench.login.run(writer, 'cat /root/seq/1')) > then);
});

test('a snapshot of a snapshot keeps whiteouts, replaced folders and hard links', { timeout: BOOT_MS }, async () => {
  const first = await bench.boot();
  await bench.login.run(
    first,
    'rm -rf /etc/pam.d.old; cp -a /etc/pam.d /etc/pam.d.old; echo one >/root/kept; ln /root/kept /root/link',
  );
  await bench.host.snapshot(first.id, 'gen1');
  const second = await bench.boot({ image: 'gen1' });
  await bench.login.run(
    second,
    'rm -rf /etc/pam.d.old; mkdir /etc/pam.d.old; touch /etc/pam.d.old/only; rm /etc/issue',
  );
  await bench.host.snapshot(second.id, 'gen2');

  const third = await bench.boot({ image: 'gen2' });

  expect(
    await bench.login.run(
      third,
      'ls /etc/pam.d.old; stat -c %h /root/kept; cat /root/link; ls /etc/issue 2>&1 | grep -c "No such"',
    ),
  ).toBe('only\n2\none\n1');
});

test(
  'an image may go while its instances live, and its layers go with the last of them',
  { timeout: BOOT_MS },
  async () => {
    const origin = await bench.boot();
    const layersBefore = await readdir(join(bench.stateDir, 'layers'));
    await bench.host.snapshot(origin.id, 'short-lived');
    const user = await bench.boot({ image: 'short-lived' });

    await bench.host.deleteImage('short-lived');
    const stillThere = await bench.login.run(user, 'cat /etc/hostname');
    const layersDuring = await readdir(join(bench.stateDir, 'layers'));
    await bench.host.delete(user.id);

    expect(stillThere).toBe('node');
    expect(layersDuring).toHaveLength(layersBefore.length + 1);
    expect(await readdir(join(bench.stateDir, 'layers'))).toEqual(layersBefore);
  },
);

test('a long chain of snapshots is flattened to one layer, which boots', { timeout: 60_000 }, async () => {
  const first = await bench.boot();
  await bench.login.run(first, 'echo first >/root/first; rm /etc/issue');
  const chain = [await bench.host.snapshot(first.id, 'chain')];
  while (chain.length < MAX_LAYERS) {
    const next = await bench.host.create({ image: 'chain', name: 'link', authorizedKeys: [] });
    chain.push(await bench.host.snapshot(next.id, 'chain'));
    await bench.host.delete(next.id);
  }

  const last = await bench.boot({ image: 'chain' });

  expect(chain.map(({ layers }) => layers.length)).toEqual([2, 3, 4, 1]);
  expect(
    await bench.login.run(last, 'cat /root/first; ls -d /etc/issue 2>&1 | grep -c "No such"; stat -c %a /root'),
  ).toBe('first\n1\n700');
});

test(
  'an instance that a crash left frozen is woken when the folder is opened again',
  { timeout: BOOT_MS },
  async () => {
    const other = await InstanceBench.open();
    try {
      const instance = await other.boot();
      const { init } = await other.processOf(instance);
      await freezeInstance(join(other.stateDir, 'instances', instance.id), init);
      const stateOf = async (): Promise<string> =>
        /State:\s+(\w)/.exec(await readFile(`/proc/${init.pid}/status`, 'utf8'))?.[1] ?? '';
      await until('all of it to stand still', async () => (await stateOf()) === 'T'); // a signal takes a moment

      await other.reopen();

      expect(await stateOf()).not.toBe('T');
      expect(await other.login.run(instance, 'echo awake')).toBe('awake');
    } finally {
      await other.end();
    }
  },
);

/** Forty files, written in turn: at any moment their numbers differ by one at most. */
const WRITE_FOR_EVER = `mkdir /root/seq
nohup perl -e 'for (my $i = 1; ; $i++) { for my $f (1 .. 40) { open F, q(>), q(/root/new); print F $i; close F; rename q(/root/new), qq(/root/seq/$f) } }' >/dev/null 2>&1 </dev/null &
until [ -e /root/seq/40 ]; do sleep 0.02; done`;
