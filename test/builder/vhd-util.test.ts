import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const VHD_UTIL = resolve('src/builder/vhd-util');

test('the stand-in for vhd-util does what diskimage-builder asks of the true one, and makes a VHD of the right size', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'np-vhd-'));
  const [raw, vhd] = [join(folder, '7.vhd-intermediate'), join(folder, '7.vhd-new')];
  writeFileSync(raw, 'an image');
  truncateSync(raw, 10 * 1024 * 1024);
  try {
    await run(VHD_UTIL, ['convert', '-s', '0', '-t', '1', '-i', raw, '-o', raw]);
    await run(VHD_UTIL, ['convert', '-s', '1', '-t', '2', '-i', raw, '-o', vhd]);

    const { stdout } = await run('qemu-img', ['info', '--output=json', vhd]);
    expect(JSON.parse(stdout)).toMatchObject({ format: 'vpc', 'virtual-size': 10 * 1024 * 1024 });
    expect(statSync(vhd).size).toBeLessThan(10 * 1024 * 1024);
    expect(existsSync(`${raw}.bak`)).toBe(true); // diskimage-builder removes it, and fails where there is none
    await expect(run(VHD_UTIL, ['repair', raw])).rejects.toMatchObject({ code: 2 });
    await expect(run(VHD_UTIL, ['convert', '-s', '2', '-t', '0', '-i', vhd, '-o', raw])).rejects.toMatchObject({
      code: 2,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
