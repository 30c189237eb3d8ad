import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTextFile } from '../../src/runtime/read-text-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-text-file-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('gives the whole text, however many pieces it is read in', async () => {
  const text = 'ä€😀\n'.repeat(50_000);
  await writeFile(join(folder, 'file'), text);

  expect(await readTextFile(join(folder, 'file'))).toBe(text);
});

test('an absent file is undefined, in an absent folder too, because editors and puppet replace files', async () => {
  await writeFile(join(folder, 'file'), '');

  expect(await readTextFile(join(folder, 'none'))).toBeUndefined();
  expect(await readTextFile(join(folder, 'none/none'))).toBeUndefined();
  expect(await readTextFile(join(folder, 'file/none'))).toBeUndefined();
  expect(await readTextFile(join(folder, 'file'))).toBe('');
});

test('a file of more than 8 MiB is an error, so that a wrong path does not fill the memory', async () => {
  await writeFile(join(folder, 'file'), '');
  await truncate(join(folder, 'file'), 8 * 1024 * 1024 + 1);

  await expect(readTextFile(join(folder, 'file'))).rejects.toThrow(
    `Cannot read "${folder}/file": it has more than 8 MiB`,
  );
});

test('what is no regular file is an error, and a pipe without a writer does not hold us up', async () => {
  await mkdir(join(folder, 'sub'));
  await execa('mkfifo', [join(folder, 'pipe')]);

  await expect(readTextFile(join(folder, 'sub'))).rejects.toThrow('it is no regular file');
  await expect(readTextFile(join(folder, 'pipe'))).rejects.toThrow('it is no regular file');
  await expect(readTextFile('/dev/zero')).rejects.toThrow('it is no regular file');
});
