import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { aProvider, aProviderImage } from '../builders/a-config.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { processesOf } from './left-by-builds.ts';
import { aDiskImage, BuilderBench } from './builder-bench.ts';

vi.setConfig({ testTimeout: 30_000 }); // real programs are started

const REQUEST = { diskimage: 'trusty', dibImageId: 7 };

test('runs the command line and the environment that elements know from upstream, and gives the files', async () => {
  const show = 'echo "${words[*]}"; env | grep -E "^(DIB_|ELEMENTS|NODEPOOL|EXTRA)"; make $types';
  using bench = new BuilderBench(aDiskImage(show, { formats: ['raw'], envVars: { EXTRA: 'yes' } }), {
    config: { elementsDir: '/etc/elements:/srv/elements', scriptDir: '/etc/nodepool/scripts' },
  });

  const answer = await bench.work.build(REQUEST, neverAborted);

  const filename = join(bench.imagesDir, '7');
  const [command = '', ...variables] = bench.output;
  expect(command.replace(/[^ ]*[/]out[/]/, 'OUT/')).toBe(
    '-x -t qcow2,raw --no-tmpfs --qemu-img-options compat=0.10 -o OUT/7 ubuntu node',
  );
  expect(variables.sort()).toEqual([
    'DIB_CHECKSUM=1',
    `DIB_IMAGE_FILENAME=${filename}`,
    'DIB_IMAGE_NAME=trusty',
    'DIB_RELEASE=trusty',
    'ELEMENTS_PATH=/etc/elements:/srv/elements',
    'EXTRA=yes',
    'NODEPOOL_SCRIPTDIR=/etc/nodepool/scripts',
  ]);
  expect(answer).toMatchObject({ builder: 'builder-1', filename, formats: ['qcow2', 'raw'] });
  expect(bench.files).toEqual(['7.qcow2', '7.raw']);
  expect(bench.counted).toMatchObject([{ diskimage: 'trusty' }]);
  expect([...(bench.counted[0]?.bytesOnDisk.keys() ?? [])]).toEqual(['qcow2', 'raw']);
});

test('the formats are those of all providers that use the disk image', async () => {
  const image = aProviderImage({ diskimage: 'trusty' });
  const providers = [
    aProvider({ name: 'a', imageType: 'vhd', images: [image] }),
    aProvider({ name: 'b', imageType: 'raw', images: [aProviderImage({ diskimage: 'other' })] }),
  ];
  using bench = new BuilderBench(aDiskImage('make $types; command -v vhd-util'), { config: { providers } });

  expect(await bench.work.build(REQUEST, neverAborted)).toMatchObject({ formats: ['vhd'] });
  expect(bench.output).toMatchObject([expect.stringMatching(/[/]bin[/]vhd-util$/)]);
});

test('the squashfs file, for which diskimage-builder has a name of its own, gets that of its format', async () => {
  const providers = [aProvider({ imageType: 'squashfs', images: [aProviderImage({ diskimage: 'trusty' })] })];
  using bench = new BuilderBench(aDiskImage('make squash'), { config: { providers } });

  await bench.work.build(REQUEST, neverAborted);

  expect(bench.files).toEqual(['7.squashfs']);
});

test('checksums come along, for the file under its name', async () => {
  const sum = 'd41d8cd98f00b204e9800998ecf8427e';
  using bench = new BuilderBench(aDiskImage(`make qcow2; echo "${sum}  $out.qcow2" >$out.qcow2.md5`));

  const answer = await bench.work.build(REQUEST, neverAborted);

  expect(answer.checksums).toEqual({ qcow2: { md5: sum } });
  expect(bench.read('images/7.qcow2.md5')).toBe(`${sum}  7.qcow2\n`);
});

test('a job that is given out again after its end is not built again', async () => {
  using bench = new BuilderBench(aDiskImage('make qcow2'));
  await bench.work.build(REQUEST, neverAborted);
  bench.config = { ...bench.config, diskimages: [aDiskImage('exit 1')] };

  expect(await bench.work.build(REQUEST, neverAborted)).toMatchObject({ formats: ['qcow2'] });
});

describe('failures leave nothing and say why', () => {
  test('an element fails: the last lines that are no trace are the reason', async () => {
    const build = 'echo "dpkg: no space"; echo "2026-11-21 21:00:00.000 | + cleanup" >&2; touch $out.qcow2; exit 3';
    using bench = new BuilderBench(aDiskImage(build));

    await expect(bench.work.build(REQUEST, neverAborted)).rejects.toThrow(
      'disk-image-create ended with status 3 for trusty: dpkg: no space',
    );
    expect(bench.files).toEqual([]);
    expect(bench.output).toHaveLength(2);
  });

  test('a format is missing, or empty, although diskimage-builder said that all went well', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2; : >$out.raw', { formats: ['raw', 'tar'] }));

    await expect(bench.work.build(REQUEST, neverAborted)).rejects.toThrow('status 0 but made no raw, tar of trusty');
    expect(bench.files).toEqual([]);
  });

  test('diskimage-builder is not installed', async () => {
    using bench = new BuilderBench(aDiskImage('exec no-such-program'));

    await expect(bench.work.build(REQUEST, neverAborted)).rejects.toThrow(/status 127 .*no-such-program.*not found/);
  });

  test('there is too little room: nothing is begun', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2'), { leastFreeBytes: 2 ** 60 });

    await expect(bench.work.build(REQUEST, neverAborted)).rejects.toThrow(
      /^No room for a build: ".*images" has \d+ MiB left/,
    );
    expect(bench.output).toEqual([]);
  });

  test('it takes longer than build-timeout: what it started ends with it', async () => {
    const clock = new FakeClock();
    const hang = 'sleep 1000 & echo "hangs, $out"; sleep 1000';
    using bench = new BuilderBench(aDiskImage(hang, { buildTimeoutMs: 3_600_000 }), { clock });
    const failed = expect(bench.work.build(REQUEST, neverAborted)).rejects.toThrow(
      'Timeout waiting for diskimage-builder to build "trusty" (3600 s)',
    );
    await bench.log.untilLogged('hangs');

    await clock.advance(3_600_000);

    await failed;
    expect(bench.files).toEqual([]);
    expect(processesOf(bench.folder)).toEqual([]);
  });

  test('nobody waits for it any more', async () => {
    using bench = new BuilderBench(aDiskImage('echo begun; sleep 1000'));
    const stop = new AbortController();
    const ended = expect(bench.work.build(REQUEST, stop.signal)).rejects.toThrow('enough');
    await bench.log.untilLogged('begun');

    stop.abort(new Error('enough'));

    await ended;
    expect(bench.files).toEqual([]);
    expect(processesOf(bench.folder)).toEqual([]);
  });

  test('unknown disk images are refused', async () => {
    using bench = new BuilderBench(aDiskImage('make qcow2'));

    await expect(bench.work.build({ ...REQUEST, diskimage: 'precise' }, neverAborted)).rejects.toThrow(
      'Cannot build unknown disk image "precise"',
    );
  });
});

test('temporary files go where the operator wants them, and are removed there too', async () => {
  using bench = new BuilderBench(
    aDiskImage('touch $TMPDIR/left; case $TMP_DIR in */fast/.build-7-*) make qcow2; esac'),
  );
  const { folder } = bench;
  const [diskimage = aDiskImage('')] = bench.config.diskimages;
  const envVars = { ...diskimage.envVars, TMPDIR: join(folder, 'fast') };
  bench.config = { ...bench.config, diskimages: [{ ...diskimage, envVars }] };

  await bench.work.build(REQUEST, neverAborted);

  expect(bench.files).toEqual(['7.qcow2']);
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
});
