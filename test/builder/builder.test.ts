import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { aDiskImage, BuilderBench } from './builder-bench.ts';

vi.setConfig({ testTimeout: 30_000 }); // real programs are started

const REQUEST = { diskimage: 'trusty', dibImageId: 7 };

describe('files', () => {
  test('are found by their names; what is not one of a build is passed over', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2'));
    for (const name of [
      '7.qcow2',
      '7.raw',
      '12.vhd',
      '7.qcow2.md5',
      'no-dot',
      '0.raw',
      'trusty-1.raw',
      '9',
      '14.vhd-intermediate',
      '15.raw.sha256',
      '16.raw.new',
    ])
      bench.addFile(name);
    mkdirSync(join(bench.imagesDir, 'lost+found'));
    mkdirSync(join(bench.imagesDir, '8.d'));
    symlinkSync('/elsewhere/13.raw', join(bench.imagesDir, '13.raw'));

    expect(await bench.prepare()).toEqual([7, 12, 13, 15]);
  });

  test('the folder is made where it is not there', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2'));

    expect(await bench.prepare()).toEqual([]);
    expect(bench.files).toEqual([]);
  });

  test('of a removed build all go, of others none; a second time there is nothing to do', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2'));
    for (const name of ['7.qcow2', '7.qcow2.md5', '7.vhd', '17.qcow2', '70.raw']) bench.addFile(name);

    await bench.work.remove(7, neverAborted);
    await bench.work.remove(7, neverAborted);

    expect(bench.files).toEqual(['17.qcow2', '70.raw']);
  });
});

describe('the build log', () => {
  test('holds the output, and those of the oldest builds of that disk image go', async () => {
    using bench = new BuilderBench(aDiskImage('echo hello; make qcow2'));
    const logs = join(bench.folder, 'logs');
    mkdirSync(logs);
    const old = [
      'trusty-0000000001.log',
      'trusty-0000000002.log',
      'trusty-0000000003.log',
      'trusty-x-0000000001.log',
      'other',
    ];
    for (const name of old) writeFileSync(join(logs, name), '');
    bench.config = { ...bench.config, buildLogDir: logs, buildLogRetention: 2 };

    await bench.work.build(REQUEST, neverAborted);

    expect(bench.read('logs/trusty-0000000007.log')).toBe('hello\n');
    expect(readdirSync(logs).sort()).toEqual([
      ...['other', 'trusty-0000000003.log', 'trusty-0000000007.log', 'trusty-x-0000000001.log'],
    ]);
  });

  test('that cannot be written fails the build in one line', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2'));
    bench.write('logs', 'no folder');
    bench.config = { ...bench.config, buildLogDir: join(bench.folder, 'logs') };

    await expect(bench.work.build(REQUEST, neverAborted)).rejects.toThrow(
      /^Cannot write the build log ".*-0000000007.log": /,
    );
    expect(bench.files).toEqual([]);
  });

  test('shows no secret, and neither does the error', async () => {
    const secretEnv = { REG_PASSWORD: new Secret('hush-hush-hush') };
    using bench = new BuilderBench(aDiskImage('echo "login with $REG_PASSWORD"; exit 1', { secretEnv }));
    bench.config = { ...bench.config, buildLogDir: join(bench.folder, 'logs') };

    await expect(bench.work.build(REQUEST, neverAborted)).rejects.toThrow('for trusty: login with [redacted]');
    expect(bench.read('logs/trusty-0000000007.log')).toBe('login with [redacted]\n');
    expect(JSON.stringify(bench.log.entries)).not.toContain('hush');
  });
});

describe('what earlier processes left', () => {
  test('is removed at the start; a builder beside us keeps what it works on', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2'));
    bench.addFile('7.qcow2');
    mkdirSync(join(bench.imagesDir, '.build-3-00c0ffee', 'tmp'), { recursive: true });
    mkdirSync(join(bench.imagesDir, '.build-notes'));
    const living = join(bench.imagesDir, '.build-4-00c0ffee');
    mkdirSync(living);
    writeFileSync(join(living, 'owner'), ownIdentity());

    expect(await bench.prepare()).toEqual([7]);
    expect(bench.files).toEqual(['.build-4-00c0ffee', '.build-notes', '7.qcow2']);
  });
});

/** Of this process, as a builder writes it. */
function ownIdentity(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${process.pid} ${start} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')}`;
}

describe('uploads', () => {
  const WORK = { dibImageId: 7, provider: 'fake-provider', image: 'trusty' };
  const properties = { nodepool_upload_id: '3', nodepool_installation: 'here' };

  test('send the file in the format of the provider, with the meta of the image and the properties of the job', async () => {
    using bench = new BuilderBench(aDiskImage(''));
    bench.addFile('7.qcow2');

    const { externalId } = await bench.work.upload({ ...WORK, cloudName: 'ci-trusty', properties }, neverAborted);

    expect(bench.cloud.images.uploads).toMatchObject([
      {
        ...{ imageId: externalId, name: 'ci-trusty', path: join(bench.imagesDir, '7.qcow2'), format: 'qcow2' },
        properties: { os: 'linux', ...properties },
      },
    ]);
  });

  test('of a daemon that gives no name are named by template-hostname', async () => {
    using bench = new BuilderBench(aDiskImage(''));
    bench.addFile('7.qcow2');

    await bench.work.upload(WORK, neverAborted);

    expect(bench.cloud.images.uploads).toMatchObject([
      { name: expect.stringMatching(/^template-trusty-\d{10}$/) as string },
    ]);
  });

  test('that are given out again leave one image: what the first try left is deleted, and nothing of others', async () => {
    using bench = new BuilderBench(aDiskImage(''));
    bench.addFile('7.qcow2');
    bench.cloud.images.add({ id: 'half', name: 'ci-trusty', status: 'active', properties });
    bench.cloud.images.add({
      id: 'other',
      name: 'ci-trusty',
      status: 'active',
      properties: { nodepool_upload_id: '3' },
    });

    const { externalId } = await bench.work.upload({ ...WORK, cloudName: 'ci-trusty', properties }, neverAborted);

    expect(bench.cloud.images.peekAll().map(({ id }) => id)).toEqual(['other', externalId]);
  });

  test.each([
    [{ ...WORK, provider: 'gone' }, 'Cannot upload to unknown provider "gone"'],
    [{ ...WORK, image: 'gone' }, 'Cannot upload unknown image "gone" to provider "fake-provider"'],
    [WORK, 'there is no such file'],
  ])('that cannot be made are refused: %j', async (work, reason) => {
    using bench = new BuilderBench(aDiskImage(''));

    await expect(bench.work.upload(work, neverAborted)).rejects.toThrow(reason);
    expect(bench.cloud.images.peekAll()).toEqual([]);
  });
});
