import pg from 'pg';
import { expect, test } from 'vitest';
import { parseInstant } from '../../src/db/parse-instant.ts';

const parseAsDriver = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ) as (text: string) => unknown; // declared as any

test.each([
  '2026-11-21 17:29:08.123456+00',
  '2026-11-21 17:29:08+05:30',
  '1999-01-01 00:00:00.5-03',
  '1880-01-01 00:00:00+00:53:28',
  '0044-03-15 12:00:00+00 BC',
  '12026-11-21 17:29:08+00',
  'infinity',
  '-infinity',
])('%s is the instant that the driver takes it for', (text) => {
  expect(parseInstant(text)).toEqual(parseAsDriver(text));
});
