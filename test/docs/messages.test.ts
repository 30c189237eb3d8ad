import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSources } from './markdown-pages.ts';
import { fragmentsOf, messagesIn } from './message-tables.ts';

const SOURCES = readSources('src', '.ts') + readSources('devfarm', '.ts');

const PAGES = ['troubleshooting', 'disk-images', 'image-errors', 'devfarm'];

test.each(PAGES.map((name) => `docs/operator/${name}.md`))(
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
