import { describe, expect, test } from 'vitest';
import { dibCommand, dibEnvironment, neededFormats, wantedTempDir } from '../../src/builder/dib-command.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { aDiskImage } from './builder-bench.ts';

test('without a provider that uses it, and without formats of its own, a disk image is a qcow2', () => {
  expect(neededFormats(aDiskImage(''), { providers: [] })).toEqual(['qcow2']);
});

test('the options of qemu-img are given for qcow2 only; the configured ones replace the default', () => {
  const line = (formats: readonly string[], qemuImgOptions?: string): string => {
    const facts = qemuImgOptions === undefined ? {} : { qemuImgOptions };
    return dibCommand({ diskimage: aDiskImage('', facts), formats, output: '/i/7' }).join(' ');
  };

  expect(line(['raw'])).toBe('disk-image-create -x -t raw --no-tmpfs -o /i/7 ubuntu node');
  expect(line(['qcow2', 'vhd'], 'compat=1.1')).toBe(
    'disk-image-create -x -t qcow2,vhd --no-tmpfs --qemu-img-options compat=1.1 -o /i/7 ubuntu node',
  );
});

describe('the environment', () => {
  const around = {
    ...{ config: {}, filename: '/i/7', tempDir: '/i/.build-7-0/tmp', programsDir: '/i/.build-7-0/bin' },
    account: { name: 'nodepool', home: '/var/lib/nodepool' },
  };

  test("holds our own but the clouds' passwords; then env-vars win, then secure.conf; the folder stays ours", () => {
    const diskimage = aDiskImage('', {
      envVars: { HTTP_PROXY: 'mine', DIB_RELEASE: 'xenial', TMPDIR: '/opt', DIB_CHECKSUM: '0', A: 'yaml' },
      secretEnv: { A: new Secret('secret') },
    });

    const inherited = { HTTP_PROXY: 'theirs', OS_PASSWORD: 'hunter2', HOME: '/root', UNSET: undefined };
    const environment = dibEnvironment(diskimage, { ...around, inherited });

    expect(environment).toMatchObject({
      ...{ HTTP_PROXY: 'mine', DIB_RELEASE: 'xenial', DIB_CHECKSUM: '0', A: 'secret', HOME: '/root', USER: 'nodepool' },
      ...{ TMPDIR: '/i/.build-7-0/tmp', TMP_DIR: '/i/.build-7-0/tmp' },
    });
    expect(Object.keys(environment)).not.toContain('OS_PASSWORD');
    expect(Object.keys(environment)).not.toContain('ELEMENTS_PATH');
  });

  test('finds the tools of the system even where the PATH of the daemon is short', () => {
    const { PATH } = dibEnvironment(aDiskImage(''), { ...around, inherited: { PATH: '/opt/dib/bin:/usr/bin' } });

    expect(PATH).toBe('/i/.build-7-0/bin:/opt/dib/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/bin');
  });
});

test.each([
  [{ TMP_DIR: '/a', TMPDIR: '/b' }, {}, '/a'],
  [{ TMPDIR: '/b' }, { TMP_DIR: '/c' }, '/b'],
  [{}, { TMP_DIR: '/c', TMPDIR: '/tmp' }, '/c'],
  [{}, { TMPDIR: '/tmp' }, undefined],
  [{ TMP_DIR: '' }, {}, undefined],
])('temporary files of a build with %j in %j go to %s', (envVars, inherited, folder) => {
  expect(wantedTempDir({ envVars }, inherited)).toBe(folder);
});
