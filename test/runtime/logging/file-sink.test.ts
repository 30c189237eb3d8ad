import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileSink } from '../../../src/runtime/logging/log-sink.ts';
import type { Rotation } from '../../../src/runtime/logging/log-rotation.ts';
import { aLogFolder } from './log-folder.ts';

const AT = new Date(2026, 0, 15, 12, 0, 0);
const DAY_MS = 86_400_000;
const midnight: Rotation = { kind: 'time', periodMs: DAY_MS, atMidnight: true, keep: 2 };

function after(days: number): Date {
  return new Date(AT.getTime() + days * DAY_MS);
}

describe('a log file', () => {
  test('is added to, not begun anew, by a restart', () => {
    const folder = aLogFolder();

    new FileSink(folder.pathOf('log')).write('before', AT);
    new FileSink(folder.pathOf('log')).write('after', AT);

    expect(folder.lines('log')).toEqual(['before', 'after']);
  });

  test('that logrotate moved away is begun anew with the next line', () => {
    const folder = aLogFolder();
    const sink = new FileSink(folder.pathOf('log'));
    sink.write('one', AT);

    renameSync(folder.pathOf('log'), folder.pathOf('log.1'));
    sink.write('two', AT);

    expect([folder.lines('log.1'), folder.lines('log')]).toEqual([['one'], ['two']]);
  });

  test('is opened again on SIGHUP', () => {
    const folder = aLogFolder();
    const sink = new FileSink(folder.pathOf('log'));
    sink.write('one', AT);

    sink.reopen();
    sink.reopen();
    sink.write('two', AT);

    expect(folder.lines('log')).toEqual(['one', 'two']);
  });

  test('whose folder is away for a while loses lines, and goes on when it is back', () => {
    const folder = aLogFolder();
    const path = folder.pathOf('logs/log');
    mkdirSync(dirname(path));
    const sink = new FileSink(path);

    rmSync(dirname(path), { recursive: true });
    sink.write('lost', AT);
    mkdirSync(dirname(path));
    sink.write('back', AT);

    expect(folder.lines('logs/log')).toEqual(['back']);
  });

  test('that cannot be opened at the start is an error: somebody must be told', () => {
    expect(() => new FileSink('/missing/folder/log')).toThrow('ENOENT');
  });
});

describe('rotation by size', () => {
  test('puts the file aside before it would grow above the limit, and keeps the newest', () => {
    const folder = aLogFolder();
    const sink = new FileSink(folder.pathOf('log'), { kind: 'size', maxBytes: 10, keep: 2 });

    for (const line of ['11111', '22222', '33333', '44444']) sink.write(line, AT);

    expect(['log', 'log.1', 'log.2'].map((name) => folder.lines(name))).toEqual([['44444'], ['33333'], ['22222']]);
    expect(existsSync(folder.pathOf('log.3'))).toBe(false);
  });

  test.each([
    { maxBytes: 0, keep: 5 },
    { maxBytes: 10, keep: 0 },
  ])('does not happen with $maxBytes bytes and $keep kept, as in Python', (limits) => {
    const folder = aLogFolder();
    const sink = new FileSink(folder.pathOf('log'), { kind: 'size', ...limits });

    for (const line of ['11111', '22222', '33333']) sink.write(line, AT);

    expect(folder.lines('log')).toHaveLength(3);
  });

  test('never puts an empty file aside for one long line', () => {
    const folder = aLogFolder();
    const sink = new FileSink(folder.pathOf('log'), { kind: 'size', maxBytes: 10, keep: 2 });

    sink.write('longer than a whole file', AT);

    expect(existsSync(folder.pathOf('log.1'))).toBe(false);
  });
});

describe('rotation at midnight', () => {
  test('names the old file after its day, and keeps as many as it should', () => {
    const folder = aLogFolder();
    const sink = new FileSink(folder.pathOf('log'), midnight);

    for (const day of [0, 1, 2, 3]) sink.write(`day ${day}`, after(day));

    const names = readdirSync(dirname(folder.pathOf('log'))).sort();
    expect(names).toEqual(['log', 'log.2026-01-16', 'log.2026-01-17']);
    expect(folder.lines('log')).toEqual(['day 3']);
    expect(folder.lines('log.2026-01-17')).toEqual(['day 2']);
  });

  test('happens at the first line of the new day, not at every line', () => {
    const folder = aLogFolder();
    const sink = new FileSink(folder.pathOf('log'), midnight);

    sink.write('late', new Date(2026, 0, 15, 23, 59, 59));
    sink.write('early', new Date(2026, 0, 16, 0, 0, 1));
    sink.write('noon', new Date(2026, 0, 16, 12, 0, 0));

    expect(folder.lines('log.2026-01-15')).toEqual(['late']);
    expect(folder.lines('log')).toEqual(['early', 'noon']);
  });

  test('puts a file aside that an earlier daemon left from days before', () => {
    const folder = aLogFolder();
    writeFileSync(folder.pathOf('log'), 'old\n');
    utimesSync(folder.pathOf('log'), AT, AT);

    new FileSink(folder.pathOf('log'), midnight).write('new', after(3));

    expect(folder.lines('log.2026-01-15')).toEqual(['old']);
    expect(folder.lines('log')).toEqual(['new']);
  });

  test('leaves other files of similar names alone', () => {
    const folder = aLogFolder();
    for (const name of ['log.2020-01-01.gz', 'log.old', 'log2.2020-01-01']) writeFileSync(folder.pathOf(name), '');
    const sink = new FileSink(folder.pathOf('log'), { ...midnight, keep: 1 });

    for (const day of [0, 1, 2]) sink.write(`day ${day}`, after(day));

    expect(readdirSync(dirname(folder.pathOf('log'))).sort()).toEqual([
      ...['log', 'log.2020-01-01.gz', 'log.2026-01-16', 'log.old', 'log2.2020-01-01'],
    ]);
  });
});
