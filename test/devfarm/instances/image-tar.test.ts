import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBaseTar } from '../../../devfarm/instances/base-image.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { OPEN_HOST_MS } from '../../peers/instance-host.ts';

let bench: InstanceBench;
let folder: string;

beforeAll(async () => {
  bench = await InstanceBench.open();
  folder = await mkdtemp(join(tmpdir(), 'npt-'));
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
  await rm(folder, { recursive: true });
}, 30_000);

test(
  'an image goes out as a tar with all its layers in one, comes in again, and boots',
  { timeout: 60_000 },
  async () => {
    const origin = await bench.boot();
    await bench.login.run(
      origin,
      'echo made >/root/mark; chown debian /root/mark; rm /etc/issue; setcap cap_net_raw+ep /bin/sleep 2>/dev/null; true',
    );
    await bench.host.snapshot(origin.id, 'two-layers');
    const tar = join(folder, 'image.tar');

    await bench.host.exportImage('two-layers', tar);
    const image = await bench.host.importImage('from-tar', tar);
    const copy = await bench.boot({ image: 'from-tar' });

    expect(await readdir(folder)).toEqual(['image.tar']);
    expect(image.layers).toHaveLength(1);
    expect(
      await bench.login.run(copy, 'cat /root/mark; stat -c %U /root/mark; ls /etc/issue 2>&1 | grep -c "No such"'),
    ).toBe('made\ndebian\n1');
  },
);

test('a tar that is no root file system with sshd is refused, and no layer stays', { timeout: 30_000 }, async () => {
  const layers = await readdir(join(bench.stateDir, 'layers'));
  const tar = join(folder, 'empty.tar');
  await execa('tar', ['-cf', tar, '-T', '/dev/null']);

  await expect(bench.host.importImage('empty', tar)).rejects.toThrow(
    `Cannot unpack "${tar}": it has no /usr/sbin/sshd`,
  );
  await expect(bench.host.importImage('missing', join(folder, 'none.tar'))).rejects.toThrow('Cannot unpack');

  expect(await readdir(join(bench.stateDir, 'layers'))).toEqual(layers);
  expect(bench.host.findImage('empty')).toBeUndefined();
});

test('a cached root file system is used as it is, for a build takes half a minute', async () => {
  const tar = await ensureBaseTar({}, bench.host.mode);
  const { mtimeMs } = await stat(tar);

  expect(await ensureBaseTar({}, bench.host.mode)).toBe(tar);
  expect((await stat(tar)).mtimeMs).toBe(mtimeMs);
});

test('another set of packages is another root file system', async () => {
  const usual = await ensureBaseTar({}, bench.host.mode);
  const signal = AbortSignal.abort(new Error('enough'));

  const other = ensureBaseTar({ packages: ['cron'], cacheDir: folder }, bench.host.mode, signal);

  await expect(other).rejects.toThrow('enough'); // it would have built it
  expect(usual).toMatch(/\/rootfs-[a-z]+-[0-9a-f]{12}\.tar$/);
});

test('an image replaced by another of its name leaves no layer', { timeout: 30_000 }, async () => {
  const tar = await ensureBaseTar({}, bench.host.mode);
  await bench.host.importImage('twice', tar);
  const before = await readdir(join(bench.stateDir, 'layers'));

  await bench.host.importImage('twice', tar);

  expect(await readdir(join(bench.stateDir, 'layers'))).toHaveLength(before.length);
});
