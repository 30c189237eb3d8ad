import { execFile } from 'node:child_process';
import { readFileSync, unlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ensureBaseTar } from '../../devfarm/instances/base-image.ts';
import { detectHostMode } from '../../devfarm/instances/host-mode.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { loopDevicesOf } from './left-by-builds.ts';
import { aDiskImage, BuilderBench } from './builder-bench.ts';

const run = promisify(execFile);

test(
  'diskimage-builder makes a small Debian in two formats, which hold what the elements did, and leaves nothing else',
  { timeout: 600_000 },
  async () => {
    const tar = await ensureBaseTar({}, await detectHostMode());
    const envVars = { DIB_LOCAL_ROOTFS: tar, SKIP_BASE: '1', DIB_SHOW_IMAGE_USAGE: '0' };
    const facts = {
      elements: ['jenkins-user'],
      release: 'bookworm',
      formats: ['tar'],
      envVars,
      buildTimeoutMs: 500_000,
    };
    const secretEnv = { REG_PASSWORD: new Secret('hush hush') };
    using bench = new BuilderBench(aDiskImage('', { ...facts, secretEnv }), {
      config: { elementsDir: resolve('devfarm/elements') },
    });
    unlinkSync(join(bench.folder, 'bin/disk-image-create')); // the real one
    const answer = await bench.work.build({ diskimage: 'trusty', dibImageId: 1 }, neverAborted);

    expect(answer).toMatchObject({
      formats: ['qcow2', 'tar'],
      checksums: { qcow2: { md5: expect.any(String) as string } },
    });
    expect(bench.files).toEqual(['1.qcow2', '1.qcow2.md5', '1.qcow2.sha256', '1.tar']);
    const mark = await run('tar', ['-xOf', join(bench.imagesDir, '1.tar'), './etc/image-mark']);
    expect(mark.stdout).toBe('trusty of debian bookworm, token hush hush\n');
    expect((await run('qemu-img', ['check', join(bench.imagesDir, '1.qcow2')])).stdout).toContain('No errors');
    expect(bench.output.join('\n')).toContain('the token is [redacted]');
    expect(bench.output.join('\n')).not.toContain('hush');
    expect(bench.output.at(-1)).toContain('Build completed successfully');
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(bench.folder);
    expect(loopDevicesOf(bench.folder)).toEqual([]);
  },
);
