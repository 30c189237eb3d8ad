import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderConfigReference } from '../../scripts/config-reference.ts';
import { KEYS_NOT_USED_YET } from '../../scripts/keys-not-used-yet.ts';
import { readSources } from './markdown-pages.ts';

const KEYS = [...KEYS_NOT_USED_YET.keys()].map((path) => path.slice(path.lastIndexOf('.') + 1));

test('the operator page lists the keys without effect that the reference marks, so that neither promises more', () => {
  const page = readFileSync('docs/operator/configure.md', 'utf8');
  const section = page.slice(page.indexOf('## Read but without effect yet'));
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const listed = rows.flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, key]) => key));

  expect(new Set(listed)).toEqual(new Set(KEYS));
  expect(renderConfigReference().match(/Not used yet[.] /g)).toHaveLength(KEYS.length);
});

test.each([...KEYS_NOT_USED_YET])(
  '%s is not used yet: if it is now, take it off the list and tell operators',
  (_path, words) => {
    const users = readSources('src', '.ts', (path) => !path.startsWith('src/config/'));

    expect(users).toContain('config');
    expect(users).not.toContain(words);
  },
);
