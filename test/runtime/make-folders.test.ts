import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolders } from '../../src/runtime/make-folders.ts';

test('makes all that is missing, and leaves what is there', () => {
  const root = mkdtempSync('/tmp/np-folders-');
  onTestFinished(() => {
    rmSync(root, { recursive: true });
  });

  makeFolders(join(root, 'a', 'b', 'c'));
  makeFolders(join(root, 'a', 'b', 'c'));

  expect(statSync(join(root, 'a', 'b', 'c')).isDirectory()).toBe(true);
});

test('a file system that takes no folders is refused at once', () => {
  expect(() => {
    makeFolders('/proc/none/of/ours');
  }).toThrow('ENOENT');
});
