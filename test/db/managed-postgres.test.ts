import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { DatabaseRefusedError } from '../../src/runtime/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { StateFolder } from './state-folder.ts';

const BOOT_MS = 60_000;
const small = { provider: 'east', label: 'small', target: 'ci' };
const cause = { who: 'test', why: 'Test' };

const open = (url: Secret): ReturnType<typeof openDatabase> =>
  openDatabase(
    { url, program: 'test' },
    { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() },
    neverAborted,
  );

describe('a state directory without a cluster', () => {
  test(
    'gets one that answers, to its own user and by its socket only',
    async () => {
      await using state = new StateFolder();

      await using database = await open(await state.ensureDurable());

      expect(await database.nodes.insert([small], cause)).toHaveLength(1);
      expect(statSync(state.cluster.socketFolder).mode & 0o777).toBe(0o700);
      expect(existsSync(join(state.cluster.folder, '.s.PGSQL.5432'))).toBe(true);
      expect(state.log.messages('info')).toEqual(['Made a local database', 'Started the local database']);
    },
    BOOT_MS,
  );

  test(
    'gets one cluster from programs that start at once',
    async () => {
      await using state = new StateFolder();

      const urls = await Promise.all([state.ensure(), state.ensure(), state.ensure()]);

      expect(new Set(urls.map((url) => url.reveal())).size).toBe(1);
      expect(state.log.messages('info')).toEqual(['Made a local database', 'Started the local database']);
    },
    BOOT_MS,
  );

  test(
    'with a path too long for a socket has the socket elsewhere, always in the same place',
    async () => {
      await using state = new StateFolder('long'.repeat(30));

      await using database = await open(await state.ensure());

      expect(database.installationId).toBeTruthy();
      expect(dirname(state.cluster.socketFolder)).toBe('/tmp');
      expect(statSync(state.cluster.socketFolder).mode & 0o777).toBe(0o700);
      expect((await state.ensure()).reveal()).toContain(encodeURIComponent(state.cluster.socketFolder));
    },
    BOOT_MS,
  );

  test('does not trust a socket folder that someone else laid out', async () => {
    await using state = new StateFolder('long'.repeat(30));
    symlinkSync('/var', state.cluster.socketFolder);

    await expect(state.ensure()).rejects.toThrow(/^Cannot use the folder "\/tmp\/np-.*: it belongs to another user$/);

    rmSync(state.cluster.socketFolder);
  });

  test('and a machine without Postgres: says what to install', async () => {
    await using state = new StateFolder();

    const ensuring = state.ensure({ programsFolder: state.base });

    await expect(ensuring).rejects.toThrow(DatabaseRefusedError);
    await expect(ensuring).rejects.toThrow(/install the package "postgresql", or name a database in "dburi"$/);
  });

  test.each([
    [
      'fixing permissions on existing directory … ok',
      'initdb: error: could not write file: No space left on device',
      'removing data directory',
    ],
    [
      'FATAL: could not write to file "pg_wal/xlogtemp.1": No space left on device',
      'PANIC: cannot abort transaction 1',
      'child process was terminated',
    ],
  ])('and a full disk: says so in one line, and leaves nothing half-made (%#)', async (...output) => {
    await using state = new StateFolder();
    const fail = `mkdir -p "$5" "$6" 2>/dev/null; cat >&2 <<'END'\n${output.join('\n')}\nEND\nexit 1`;
    const programsFolder = await state.programsWith({ initdb: fail });

    await expect(state.ensure({ programsFolder })).rejects.toThrow(
      /^Cannot make the local database in "[^"]+": [^\n]*No space left on device$/,
    );

    expect(existsSync(state.cluster.data)).toBe(false);
  });
});

describe('a cluster', () => {
  test(
    'is started again with all it held, and stopped at most once',
    async () => {
      await using state = new StateFolder();
      const first = await open(await state.ensure());
      await first.nodes.insert([small], cause);
      await first.close();

      expect(await state.stop()).toBe(true);
      expect(await state.stop()).toBe(false);
      await using second = await open(await state.ensure());

      expect(await second.nodes.list()).toHaveLength(1);
      expect(second.installationId).toBe(first.installationId);
    },
    BOOT_MS,
  );

  test('of another version is not touched: says which package is needed', async () => {
    await using state = new StateFolder();
    mkdirSync(state.cluster.data, { recursive: true });
    writeFileSync(join(state.cluster.data, 'PG_VERSION'), '9\n');

    await expect(state.ensureDurable()).rejects.toThrow(
      /^Cannot find the programs of Postgres 9, which made the local database \(found: [\d, ]+\): install the package "postgresql-9"$/,
    );
  });

  test(
    'that does not start says why, with the last complaint of its log',
    async () => {
      await using state = new StateFolder();
      await state.ensure();
      await state.stop();
      writeFileSync(join(state.cluster.data, 'postgresql.auto.conf'), "no_such_setting = 'x'\n");

      await expect(state.ensure()).rejects.toThrow(
        /^Cannot start the local database in "[^"]+": FATAL: {2}configuration file .* contains errors$/,
      );
    },
    BOOT_MS,
  );

  test('that is just being made is given up when aborted, and leaves nothing half-made', async () => {
    await using state = new StateFolder();
    const stop = new AbortController();
    const programsFolder = await state.programsWith({ initdb: 'for data; do :; done; mkdir "$data"; exec sleep 600' });
    const ensuring = state.ensure({ programsFolder }, stop.signal);
    await state.untilMade('data.new-');

    stop.abort(new Error('Stopped'));

    await expect(ensuring).rejects.toThrow('Stopped');
    expect(existsSync(state.cluster.data)).toBe(false);
  });
});
