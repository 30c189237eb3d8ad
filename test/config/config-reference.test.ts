import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { renderConfigReference } from '../../scripts/config-reference.ts';

test('the configuration reference is up to date: if not, run "npm run config-reference"', async () => {
  expect(await readFile('docs/configuration.md', 'utf8')).toBe(renderConfigReference());
});

test('every key of the reference says what it means', () => {
  const rows = renderConfigReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'));

  expect(rows.length).toBeGreaterThan(90);
  expect(rows.filter((row) => /[|]\s*[|]$/.test(row))).toEqual([]);
});
