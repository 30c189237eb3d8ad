import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configOf } from '../builders/config-of.ts';
import { BuildBench } from './build-bench.ts';

type Keys = Readonly<Record<string, unknown>>;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-build-log-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A build whose setup script says these lines. */
function benchThatSays(lines: readonly string[], keys: Keys = {}, status = 0): BuildBench {
  const bench = new BuildBench({ config: configOf({ 'build-log-dir': join(folder, 'logs'), ...keys }) });
  bench.machines.run = (command, { onLine }) => {
    if (!command.includes('prepare.sh')) return undefined;
    for (const line of lines) onLine?.(line);
    return { status, signal: undefined, tail: lines.slice(-2).join('\n') };
  };
  return bench;
}

function read(name: string): string {
  return readFileSync(join(folder, 'logs', name), 'utf8');
}

describe('the log of a snapshot build', () => {
  test('holds the output of its setup script, beside the logger, and is named as the logger with the row', async () => {
    const bench = benchThatSays(['one', '\u001B[1mtwo\u0007', '', 'three']);

    await bench.pass();

    expect(read('fake-provider.trusty-0000000001.log')).toBe('one\n [1mtwo\nthree\n');
    expect(bench.output.messages('info')).toEqual(['one', ' [1mtwo', 'three']);
  });

  test('is one of few: those of the oldest builds of that image go, and no other file', async () => {
    mkdirSync(join(folder, 'logs'));
    const there = [
      'fake-provider.trusty-0000000000.log',
      'fake-provider.trusty2-0000000000.log',
      'trusty-0000000000.log',
    ];
    for (const name of there) writeFileSync(join(folder, 'logs', name), '');
    const bench = benchThatSays(['hello'], { 'build-log-retention': 1 });

    await bench.pass();

    const left = ['fake-provider.trusty-0000000001.log', ...there.slice(1)];
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual(left);
  });

  test('shows no secret that the script was given, nor does the logger, the error or the stored reason', async () => {
    const bench = benchThatSays(['login with hush-hush-hush', "MY='hush-hush-hush'"], {}, 1);
    bench.environment = { NODEPOOL_MIRROR_PASSWORD: 'hush-hush-hush', NODEPOOL_SSH_KEY: 'login' };

    await bench.pass();

    expect(read('fake-provider.trusty-0000000001.log')).toBe("login with [redacted]\nMY='[redacted]'\n");
    expect(bench.output.messages('info')[0]).toBe('login with [redacted]');
    expect(bench.row().lastError).toContain('login with [redacted]');
    expect(JSON.stringify([bench.log.entries, await bench.images.listFailures()])).not.toContain('hush');
  });

  test('is written only where build-log-dir says so', async () => {
    const bench = benchThatSays(['hello'], { 'build-log-dir': undefined });

    await bench.pass();

    expect(bench.row().state).toBe('ready');
    expect(readdirSync(folder)).toEqual([]);
    expect(bench.output.messages('info')).toEqual(['hello']);
  });
});

describe('a log that cannot be written', () => {
  test('fails the build in one line before a server is made, as with disk images', async () => {
    writeFileSync(join(folder, 'logs'), 'no folder');
    const bench = benchThatSays(['hello']);

    await bench.pass();

    const why = /^Cannot write the build log ".*fake-provider[.]trusty-0000000001[.]log": /;
    expect(bench.row()).toMatchObject({ state: 'delete', lastError: expect.stringMatching(why) as string });
    expect(bench.cloud.calls).not.toContain('createServer');
  });

  test('for its disk is full ends the script and fails the build', async () => {
    mkdirSync(join(folder, 'logs'));
    const bench = benchThatSays(['hello']);
    // A file that takes nothing, as one on a full disk.
    const path = join(folder, 'logs', 'fake-provider.trusty-0000000001.log');
    symlinkSync('/dev/full', path);

    await bench.pass();

    expect(bench.row().lastError).toMatch(/^Cannot write the build log ".*": ENOSPC/);
    await bench.pass();
    expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [] });
  });
});
