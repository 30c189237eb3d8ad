import { open } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTextFile } from '../../src/runtime/read-text-file.ts';
import { aNodepoolYaml, parseTexts } from './config-texts.ts';

const SECRET = 'Kq7hunter2';
const ODD_SIGNS = [
  ...['"', "'", '[', ']', '{', '}', '*', '&', '!', '|', '>', '%', '@', '`'],
  ...['#', ':', '-', ' ', ',', '?', '\\', '\n', '\t', '=', ';'],
];
const PROVIDER =
  'name: east, auth-url: "http://keystone:5000/v3", max-servers: 4, images: [{name: trusty, min-ram: 1, setup: x}]';

describe('a password in the wrong place of a file', () => {
  test.each([
    ['an alias', `*${SECRET}`],
    ['a tag', `!${SECRET} x`],
    ['a handle of a tag', `!${SECRET}!`],
    ['a verbatim tag', `!<${SECRET}`],
    ['an anchor without a value', `&${SECRET}`],
    ['an open quote', `"${SECRET}`],
    ['a list', `[${SECRET}]`],
    ['a map', `{${SECRET}: ${SECRET}}`],
    ['a reserved sign', `@${SECRET}`],
    ['an escape', `"\\${SECRET}"`],
    ['a directive', `%${SECRET}`],
    ['a directive of the next line', `x\n%${SECRET} y`],
  ])('that looks like %s is not shown by the fault', (_, text) => {
    const providers = `providers: [{${PROVIDER}, username: u, password: ${text}}]`;
    const { faults, warnings } = parseTexts({ yaml: aNodepoolYaml({ providers }) });

    expect(JSON.stringify([faults, warnings])).not.toContain(SECRET.slice(3));
  });

  test('is not shown either, whatever stands before and behind it', () => {
    const odd = fc.string({ unit: fc.constantFrom(...ODD_SIGNS), maxLength: 6 });

    fc.assert(
      fc.property(odd, odd, (before, after) => {
        const text = `${before}${SECRET}${after}`;
        const block = PROVIDER.replaceAll(', ', '\n    ').split('\n').slice(0, 3).join('\n');
        const yaml = aNodepoolYaml({ providers: `providers:\n  - ${block}\n    password: ${text}\n` });
        const secure = `[database]\ndburi=postgresql://u:${text}@h/d\n[jenkins "ci"]\napikey=${text}\n${text}\n`;
        const { faults, warnings } = parseTexts({ yaml, secure });
        const shown = JSON.stringify([faults, warnings]);

        // A line end, a colon or a bracket makes a key or a section of it, and these names are shown.
        expect(/[\n:=]|^\s*\[/.test(text) || !shown.includes(SECRET)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

test(
  'ten thousand unknown keys are told in a second or two, for nothing else happens meanwhile',
  { timeout: 20_000 },
  () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `key${index}: 1\n`).join('');

    const { config, warnings } = parseTexts({ yaml: aNodepoolYaml({ top: many }) });

    expect(config).toBeDefined();
    expect(warnings).toHaveLength(501);
    expect(warnings.at(-1)?.message).toBe('And 9500 more');
  },
);

test('a line of a million blanks in secure.conf is read in an instant', () => {
  const { faults } = parseTexts({ secure: `[database]\nkey${' '.repeat(1_000_000)}end\n` });

  expect(faults).toHaveLength(1);
});

test('a file of 100 MB is refused with one line, and not read to its end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'np-large-'));
  const path = join(folder, 'nodepool.yaml');
  await using file = await open(path, 'w');
  await file.truncate(100_000_000);
  const before = process.memoryUsage().arrayBuffers;

  await expect(readTextFile(path)).rejects.toThrow(`Cannot read "${path}": it has more than 8 MiB`);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);

  rmSync(folder, { recursive: true });
});
