import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteForShell } from '../../src/ssh/quote-for-shell.ts';

const HOSTILE = [
  '$HOME',
  '`id`',
  '$(id)',
  "'",
  '"',
  '\\',
  '\n',
  ' ',
  ';',
  '&',
  '|',
  '*',
  '~',
  '#',
  '!',
  '-n',
  'é',
  '\t',
  '=',
  '{a,b}',
];

const hostileText = fc.oneof(
  fc.array(fc.constantFrom(...HOSTILE)).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
);

test('whatever is quoted reaches a program as it was, alone and as the value of a variable', () => {
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 40 }), (texts) => {
      const words = texts.map(quoteForShell);
      const assignments = words.map((word, index) => `V${index}=${word}`).join(' ');
      const printed = texts.map((_, index) => `"$V${index}"`).join(' ');
      const script = String.raw`printf '%s\0' ${words.join(' ')}; ${assignments}; printf '%s\0' ${printed}`;

      const output = execFileSync('sh', ['-c', script], { encoding: 'utf8' });

      expect(output.split('\0').slice(0, -1)).toEqual([...texts, ...texts]);
    }),
    { numRuns: 60 },
  );
}, 20_000);

test.each([
  { text: '', quoted: "''" },
  { text: '/etc/nodepool/role', quoted: '/etc/nodepool/role' },
  { text: 'two words', quoted: "'two words'" },
  { text: 'A=b', quoted: "'A=b'" },
  { text: "it's", quoted: String.raw`'it'\''s'` },
])('"$text" is quoted as $quoted: no more than needed, so that logs stay readable', ({ text, quoted }) => {
  expect(quoteForShell(text)).toBe(quoted);
});

test('a NUL character is refused, for no program can be given one', () => {
  expect(() => quoteForShell('a\0b')).toThrow('NUL');
});
