import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigWatch } from '../../src/assembly/config-watch.ts';
import { openLogging } from '../../src/assembly/open-logging.ts';
import { writePidFile } from '../../src/assembly/pid-file.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { aNodepoolYaml } from '../config/config-texts.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

let folder: string;
let umask: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-files-'));
  writeFileSync(join(folder, 'nodepool.yaml'), aNodepoolYaml());
  umask = process.umask(0); // the worst that an init system may give us
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true });
});

async function warningsFor(mode: number): Promise<readonly string[]> {
  const secure = join(folder, 'secure.conf');
  writeFileSync(secure, '[database]\ndburi=postgresql://u:p@h/d\n');
  chmodSync(secure, mode);
  const log = new RecordingLogger();
  await ConfigWatch.open({ config: join(folder, 'nodepool.yaml'), secure }, { clock: systemClock, log });
  return log.messages('warn').filter((line) => line.startsWith(secure));
}

test('a secure.conf that everybody can read is warned of, with what to do', async () => {
  const [warning] = await warningsFor(0o644);

  expect(warning).toContain('every user of this host can read it: set its mode to 0640 or 0600');
});

test.each([0o600, 0o640])('a secure.conf of mode %o is as it should be', async (mode) => {
  expect(await warningsFor(mode)).toEqual([]);
});

test('nobody else can write the pid file: who could would choose what an init script kills', async () => {
  const path = join(folder, 'run', 'nodepool.pid');

  await writePidFile(path, 12);

  expect(readFileSync(path, 'utf8')).toBe('12\n');
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(statSync(join(folder, 'run')).mode & 0o777).toBe(0o755);
});

test('a logging.conf that Python would refuse is refused with its line: the daemon would say nothing at all', () => {
  const path = join(folder, 'logging.conf');
  writeFileSync(path, '[loggers]\nkeys=root\ngarbage\n');

  expect(() => openLogging({ loggingConfig: path }, 'info')).toThrow(
    `Unable to use logging config file ${path}:3: this is neither "[section]" nor "option = value"`,
  );
});

test('a logging.conf of 100 MB is refused, and not read', () => {
  const path = join(folder, 'logging.conf');
  writeFileSync(path, '');
  truncateSync(path, 100_000_000);

  expect(() => openLogging({ loggingConfig: path }, 'info')).toThrow(`Unable to read logging config file at ${path}`);
});
