import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { checkVerdicts } from '../../scripts/config-verdicts.ts';

const FOLDER = 'test/fixtures/config';

test('every file with one quirk gets its verdict, for loader and config-validate alike', async () => {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));

  const { matched, mismatches } = await checkVerdicts(FOLDER);

  expect(mismatches).toEqual([]);
  expect(matched).toBe(files.length);
});
