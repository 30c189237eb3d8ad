import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/database.ts';
import { findMigrationsFolder, latestVersion, readMigrations } from '../../src/db/migrations-folder.ts';
import { DatabaseRefusedError } from '../../src/runtime/errors.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

const cause = { who: 'test', why: 'Test' };
const small = { provider: 'east', label: 'small', target: 'ci' };

let own: TestDatabase;
let folder: string;

beforeEach(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
  folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  cpSync(findMigrationsFolder(), folder, { recursive: true });
}, 20_000);

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await own[Symbol.asyncDispose]();
});

function open(log = new RecordingLogger()): Promise<Database> {
  const deps = { clock: new FakeClock(), randomness: systemRandomness, log };
  return openDatabase({ url: own.url, program: 'test', migrationsFolder: folder }, deps, neverAborted);
}

/** The path of the migration after the newest. */
function nextFile(name: string): string {
  return join(folder, `${String(latestVersion(folder) + 1).padStart(4, '0')}-${name}.sql`);
}

function latestFile(): string {
  return readdirSync(folder).sort().at(-1) ?? '';
}

async function load(fixture: string): Promise<void> {
  await own.query(readFileSync(new URL(`../fixtures/db/${fixture}`, import.meta.url), 'utf8'));
}

/** Every column, constraint and index of our tables. */
async function schema(): Promise<readonly string[]> {
  const rows = await own.query<{ readonly line: string }>(`
    select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable as line
    from information_schema.columns where table_schema = 'public'
    union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace
    union all select indexdef from pg_indexes where schemaname = 'public' order by 1`);
  return rows.map((row) => row.line);
}

describe('a new database', () => {
  test('gets the newest schema, and an installation id that stays', async () => {
    await using first = await open();
    await using second = await open();

    expect(first.installationId).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(second.installationId).toBe(first.installationId);
    const rows = await own.query('select schema_version, import_high_water from installation');
    expect(rows).toEqual([{ schema_version: latestVersion(folder), import_high_water: null }]);
  });

  test('is migrated once by programs that start at once', async () => {
    const log = new RecordingLogger();

    const opened = await Promise.all([open(log), open(log), open(log), open(log)]);

    await Promise.all(opened.map((database) => database.close()));
    expect(new Set(opened.map((database) => database.installationId)).size).toBe(1);
    expect(log.messages('info')).toHaveLength(latestVersion(folder));
  }, 20_000);

  test('keeps nothing of a migration that fails, so that the next start begins anew', async () => {
    const file = nextFile('broken');
    writeFileSync(file, 'create table half_done (id integer); select no_such_function();');

    await expect(open()).rejects.toThrow(/: Migration "\d+-broken" failed: .*no_such_function/);

    expect(await schema()).toEqual([]);
    rmSync(file);
    await using _database = await open();
  });
});

describe('a database with rows', () => {
  test('goes from version to version', async () => {
    await (await open()).close();
    writeFileSync(nextFile('next'), 'alter table job add column why text;');

    await using _database = await open();

    expect(await own.query('select why from job')).toEqual([]);
  });

  test('to which a newer program added something serves older ones too, so that daemons are upgraded one by one', async () => {
    const older = await open();
    const [node] = await older.nodes.insert([small], cause);
    writeFileSync(
      nextFile('additive'),
      'alter table node add column mood text; create table mood (name text); alter table history add column mood text;',
    );
    await (await open()).close(); // the newer program
    rmSync(join(folder, latestFile()));

    const used = await older.nodes.record(node?.id ?? 0, { comment: 'x' });
    const listed = await older.nodes.list();
    await older.close();
    await using again = await open();

    expect(used).toMatchObject({ comment: 'x' });
    expect(listed).toEqual([used]);
    expect(await again.nodes.list()).toEqual([used]);
    const rows = await own.query('select schema_version from installation');
    expect(rows).toEqual([{ schema_version: latestVersion(folder) + 1 }]);
  });

  test('that a newer program changed beyond this one is refused, whatever this one could do to it', async () => {
    await (await open()).close();
    await own.query('update installation set schema_version = 1000, oldest_program = 1000');

    const opening = open();

    await expect(opening).rejects.toThrow(DatabaseRefusedError);
    await expect(opening).rejects.toThrow(/schema 1000 is newer than this program's \d+, so upgrade/);
  });

  test('of upstream 0.3.1 is taken over with all ids, ages and comments', async () => {
    await load('upstream-0.3.1.sql');

    await using database = await open();

    const nodes = await database.nodes.list({ states: ['ready', 'hold'] });
    expect(nodes).toMatchObject([
      { id: 101, version: 1, externalId: 'srv-101', stateChangedAt: new Date(1_480_000_000_000) },
      { id: 102, state: 'hold', comment: 'kept' },
    ]);
    const image = await database.images.find(1);
    expect(image).toMatchObject({ state: 'ready', version: 1_479_000_000, externalId: 'img-1', rowVersion: 1 });
    expect(await own.query('select name, hold_on_failure from job')).toEqual([
      { name: 'gate-tempest-dsvm', hold_on_failure: 2 },
    ]);
    const [inserted] = await database.nodes.insert([{ provider: 'p', label: 'l', target: 't' }], {
      who: 'x',
      why: 'y',
    });
    expect(inserted?.id).toBe(251);
  });

  test('of upstream has what it was building deleted, for that cannot be resumed', async () => {
    await load('upstream-0.3.1.sql');

    await using database = await open();

    expect((await database.nodes.list({ states: ['delete'] })).map((node) => node.id)).toEqual([103, 104]);
    expect((await database.images.list({ states: ['delete'] })).map((image) => image.id)).toEqual([2, 3]);
    expect(await own.query('select id, state from dib_image order by id')).toEqual([
      { id: 1, state: 2 },
      { id: 2, state: 4 },
    ]);
    expect(await database.history.list('node', 103)).toMatchObject([
      { event: 'deleted', to: 'delete', who: 'migration' },
    ]);
    expect(
      await database.images.insert({ provider: 'east', image: 'trusty', version: 1 }, { who: 'x', why: 'y' }),
    ).toBeDefined();
  });

  test('of upstream keeps orphaned subnodes for the leak report, and takes no new ones', async () => {
    await load('upstream-0.3.1.sql');

    await using _database = await open();

    expect(await own.query('select node_id from subnode order by node_id')).toEqual([
      { node_id: 99 },
      { node_id: 101 },
    ]);
    await expect(own.query('insert into subnode (node_id, state, state_time) values (98, 1, 0)')).rejects.toThrow(
      /foreign key/,
    );
  });

  test.each(['upstream-0.3.1.sql', 'upstream-0.0.sql'])(
    'of %s ends with the schema of a new one',
    async (fixture) => {
      await using fresh = await makeTestDatabase(inject('postgresHost'));
      const upgraded = own;
      await load(fixture);
      await (await open()).close();
      const upgradedSchema = await schema();

      own = fresh;
      await (await open()).close();

      // Columns that old tables lacked come last there; the order of columns is nobody's business.
      expect(upgradedSchema).toEqual(await schema());
      own = upgraded;
    },
    20_000,
  );

  test('of the first Nodepool keeps its rows', async () => {
    await load('upstream-0.0.sql');

    await using database = await open();

    expect(await database.nodes.find(7)).toMatchObject({ state: 'used', externalId: 'srv-7', ip: '192.0.2.7' });
  });
});

describe('the folder of migrations', () => {
  test('is found from a bundle too', () => {
    const root = new URL('../../', import.meta.url);
    expect(findMigrationsFolder(new URL('dist/chunks/database-ABC.js', root).href)).toBe(findMigrationsFolder());
    expect(() => findMigrationsFolder('file:///nowhere/dist/nodepool.js')).toThrow(
      /^Cannot find the folder "migrations"/,
    );
  });

  test('must have no gaps, for the number is the version', () => {
    writeFileSync(join(folder, '0999-late.sql'), '');
    expect(() => readMigrations(folder)).toThrow(new RegExp(`^Cannot find migration ${latestVersion(folder)} in`));
  });
});
