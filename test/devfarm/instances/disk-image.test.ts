import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loopDevicesOf } from '../../builder/left-by-builds.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { BASE_IMAGE, OPEN_HOST_MS } from '../../peers/instance-host.ts';
import { until } from '../../peers/until.ts';
import { DiskFiles } from './disk-files.ts';
import { HostProgram, KillableHost } from './killable-host.ts';

const UNPACK_MS = 60_000;
let bench: InstanceBench;
let folder: string;
let files: DiskFiles;

beforeAll(async () => {
  bench = await InstanceBench.open();
  folder = await mkdtemp(join(tmpdir(), 'npd-'));
  files = await DiskFiles.make(folder);
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
  await rm(folder, { recursive: true });
}, UNPACK_MS);

const FORMS = {
  qcow2: async () => ({ format: 'qcow2', file: await files.converted('qcow2') }),
  raw: async () => ({ format: 'raw', file: await files.raw() }),
  vhd: async () => ({ format: 'vhd', file: await files.converted('vpc') }),
  partitioned: async () => ({ format: 'raw', file: await files.partitioned() }),
  'compressed tar': async () => ({ format: 'raw', file: await files.tar() }),
} as const;

test.each(Object.entries(FORMS))(
  'a %s becomes an image with owners, modes and links as they were, and leaves no mount and no loop device',
  { timeout: UNPACK_MS },
  async (name, make) => {
    const { layers } = await bench.host.importDisk('uploaded', { ...(await make()), digest: name });

    const tree = join(bench.stateDir, 'layers', layers[0] ?? '');
    const [mark, sudo, sudoedit] = await Promise.all(
      ['home/mark', 'usr/sudo', 'usr/sudoedit'].map((path) => stat(join(tree, path))),
    );
    expect(layers).toHaveLength(1);
    expect(await readFile(join(tree, 'home/mark'), 'utf8')).toBe('made\n');
    expect([mark?.uid, mark?.gid]).toEqual([1234, 567]);
    expect((sudo?.mode ?? 0) & 0o7777).toBe(0o4755);
    expect(sudo?.ino).toBe(sudoedit?.ino);
    expect(leftovers()).toEqual([]);
    await bench.host.deleteImage('uploaded');
  },
);

test(
  'the same data are unpacked once, whoever asks and however many at a time, and stay while one needs them',
  { timeout: UNPACK_MS },
  async () => {
    const before = await layerNames();
    const disk = { file: await files.raw(), format: 'raw', digest: 'same' };

    const names = ['one', 'two', 'one', 'two', 'one'];
    const images = await Promise.all(names.map((name) => bench.host.importDisk(name, disk)));
    await bench.host.deleteImage('one');
    const between = await layerNames();
    await bench.host.deleteImage('two');

    expect(new Set(images.flatMap(({ layers }) => layers)).size).toBe(1);
    expect(between).toHaveLength(before.length + 1);
    expect(await layerNames()).toEqual(before);
  },
);

const BROKEN = {
  'no file system': [async () => ({ format: 'raw', file: await files.text() }), 'it holds no file system'],
  'another format': [async () => ({ format: 'qcow2', file: await files.text() }), 'Image is not in qcow2 format'],
  'no sshd': [async () => ({ format: 'raw', file: await files.withoutSshd() }), 'it has no /usr/sbin/sshd'],
} as const;

test.each(Object.entries(BROKEN))(
  'data with %s are refused with the reason, and nothing stays of them',
  { timeout: UNPACK_MS },
  async (name, [make, reason]) => {
    const before = await layerNames();

    await expect(bench.host.importDisk('broken', { ...(await make()), digest: name })).rejects.toThrow(reason);

    expect(await layerNames()).toEqual(before);
    expect(bench.host.findImage('broken')).toBeUndefined();
    expect(leftovers()).toEqual([]);
  },
);

test(
  'a farm that is killed while it unpacks leaves no mount, no loop device and no layer',
  { timeout: 2 * UNPACK_MS },
  async () => {
    await using program = await HostProgram.bundle();
    const before = await layerNames();
    const [base = ''] = bench.host.findImage(BASE_IMAGE)?.layers ?? [];
    const file = await files.raw(join(bench.stateDir, 'layers', base), 512); // large enough for the kill to come in time
    const { stateDir, network, port } = bench.host;
    await bench.host.close();
    const farm = new KillableHost(program.command({ stateDir, network, port }));
    await farm.next();

    farm.order('import', file);
    await until('it is mounted', () => Promise.resolve(loopDevicesOf(folder).length > 0), UNPACK_MS);
    await farm.kill();
    await until('the loop device is given back', () => Promise.resolve(loopDevicesOf(folder).length === 0), UNPACK_MS);
    await bench.reopen();

    expect(await layerNames()).toEqual(before);
    expect(leftovers()).toEqual([]);
  },
);

async function layerNames(): Promise<readonly string[]> {
  return await readdir(join(bench.stateDir, 'layers'));
}

/** Loop devices of the files here and of those that were unpacked. */
function leftovers(): readonly string[] {
  return [...loopDevicesOf(folder), ...loopDevicesOf(bench.stateDir)];
}
