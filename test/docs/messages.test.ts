import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSources } from './markdown-pages.ts';

const SOURCES = readSources('src', '.ts') + readSources('devfarm', '.ts');

test.each(['docs/operator/troubleshooting.md', 'docs/operator/disk-images.md', 'docs/operator/devfarm.md'])(
  'every message that %s explains is one that the programs print, for operators search by it',
  (path) => {
    const messages = messagesIn(readFileSync(path, 'utf8'));
    const unknown = messages.filter((message) => fragmentsOf(message).some((fragment) => !SOURCES.includes(fragment)));

    expect(messages.length).toBeGreaterThan(4);
    expect(messages.filter((message) => fragmentsOf(message).length === 0)).toEqual([]);
    expect(unknown).toEqual([]);
  },
);

test('a message that nobody prints is noticed', () => {
  const [fragment = ''] = fragmentsOf('This message was made up … by a test');

  expect(SOURCES).not.toContain(fragment);
});

/** The code in the first column of tables whose header is "Message". */
function messagesIn(page: string): readonly string[] {
  const tables = [...page.matchAll(/^[|] Message [|].*\n[|][-|]+\n((?:[|].*\n)+)/gm)].map(([, rows = '']) => rows);
  const cells = tables.flatMap((rows) => rows.trim().split('\n')).map((row) => /^[|] (.*?) [|] /.exec(row)?.[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message));
}

/** What stands between names, numbers and causes: these the sources write elsewhere, or not at all. */
function fragmentsOf(message: string): readonly string[] {
  return message
    .split(/…|: |(?<=waiting for) /)
    .map((fragment) => fragment.trim())
    .filter((fragment) => fragment.length >= 4);
}
