import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const FACT = /^- ([A-Z]\d+): /gm;
/** `test('C2, C3: …`, also in the tables of `test.each`. */
const NAMED = /['"`]((?:[A-Z]\d+, )*[A-Z]\d+): /g;

test('each fact of contract.md is named by a test, and each test names facts that are there', () => {
  const contract = readFileSync(join(import.meta.dirname, 'contract.md'), 'utf8');
  const facts = [...contract.matchAll(FACT)].map(([, name = '']) => name);
  const sources = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts'));

  const named = sources.flatMap((file) =>
    [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(NAMED)].flatMap(([, names = '']) =>
      names.split(', '),
    ),
  );

  expect(new Set(facts).size).toBe(facts.length);
  expect([...new Set(named)].sort()).toEqual(facts.sort());
});
