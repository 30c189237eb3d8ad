import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { yamlOf } from '../builders/config-of.ts';
import { makeTestDatabase, type TestDatabase } from '../db/test-database.ts';
import { type Ending, RunningProgram } from '../peers/built-programs.ts';

const PATIENCE_MS = 30_000; // several starts of Node on a busy machine

let folder: string;
let database: TestDatabase;
let options: readonly string[];

beforeAll(async () => {
  database = await makeTestDatabase(inject('postgresHost'));
  folder = mkdtempSync(join(tmpdir(), 'np-cli-'));
  writeFileSync(join(folder, 'nodepool.yaml'), yamlOf());
  writeFileSync(join(folder, 'secure.conf'), `[database]\ndburi=${database.url.reveal()}\n`);
  chmodSync(join(folder, 'secure.conf'), 0o600);
  options = ['-c', join(folder, 'nodepool.yaml'), '-s', join(folder, 'secure.conf')];
  await nodepool('list'); // makes the tables, and says so
}, PATIENCE_MS);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database[Symbol.asyncDispose]();
});

type Run = Ending & { readonly stdout: string; readonly stderr: string };

/** What the program that an operator starts says, and how it ends. */
async function nodepool(...words: readonly string[]): Promise<Run> {
  return await run(join(inject('programs'), 'nodepool'), [...options, ...words]);
}

async function run(program: string, words: readonly string[]): Promise<Run> {
  const env = { ...process.env, NODEPOOL_STATE_DIR: join(folder, 'state'), HOME: folder };
  const running = new RunningProgram(spawn(program, words, { cwd: folder, env }));
  const ending = await running.ended;
  return { ...ending, stdout: running.stdout, stderr: running.stderr };
}

/** Runs it in a shell pipeline; `"$@"` is the program with its options. The status is the program's own. */
async function inShell(pipeline: string, ...words: readonly string[]): Promise<Run> {
  const script = `${pipeline}; exit "\${PIPESTATUS[0]}"`;
  return await run('bash', ['-c', script, 'bash', join(inject('programs'), 'nodepool'), ...options, ...words]);
}

test('a list without rows is success', async () => {
  expect(await nodepool('list')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^\+-/) as string,
  });
});

describe('one line on standard error and status 1', () => {
  test.each([
    [['hold', '7'], 'Node 7 not found.'],
    [['hold', '-1'], 'Node "-1" not found.'],
    [['delete', '2147483648'], 'Node "2147483648" not found.'],
    [['delete', '2147483647', '--now'], 'Node 2147483647 not found.'],
    [['history', '7'], 'There is no history of node 7'],
    [['image-delete', '7'], "No image '7' found."],
    [['image-update', 'all', 'xenial'], 'Image specified, xenial, is not in use.'],
    [['image-update', 'x', 'y'], 'Provider x does not exist'],
    [['image-update', 'fake-provider', 'y'], 'Image specified, y, is not in use.'],
    [['hold', '1', '2'], "Too many arguments for 'hold'. Expected 1 argument but got 2"],
    [['lst'], "Unknown command 'lst' (Did you mean list?)"],
  ])(
    '%j',
    async (words, line) => {
      expect(await nodepool(...words)).toEqual({ status: 1, signal: null, stdout: '', stderr: `${line}\n` });
    },
    PATIENCE_MS,
  );

  test('a missing logging configuration, in upstream’s words', async () => {
    const { status, stderr } = await nodepool('-l', '/no/such/logging.conf', 'list');

    expect(status).toBe(1);
    expect(stderr).toBe('Unable to read logging config file at /no/such/logging.conf: there is no such file\n');
  });
});

describe('a configuration without use is status 2', () => {
  test.each(['list', 'config-validate'])(
    '%s tells the place of each fault in a broken file',
    async (command) => {
      const path = join(folder, 'broken.yaml');
      writeFileSync(path, 'labels: []\nproviders: []\ntargets: []\ncron: 7\ngearman-servers:\n  - port: x\n');

      const { status, stdout, stderr } = await nodepool('-c', path, command);

      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      const faults = stderr.split('\n').filter((line) => line.startsWith(`${path}:`));
      expect(faults).toEqual([
        expect.stringMatching(/broken.yaml:4:7: cron: /),
        expect.stringMatching(/broken.yaml:6:5: gearman-servers\[0\]/),
        expect.stringMatching(/broken.yaml:6:11: gearman-servers\[0\].port/),
      ]);
    },
    PATIENCE_MS,
  );

  test(
    'a file that is no YAML, or not there, is told in one line',
    async () => {
      const path = join(folder, 'noyaml.yaml');
      writeFileSync(path, 'labels:\n\t- name: x\n');

      const broken = await nodepool('-c', path, 'list');
      const missing = await nodepool('-c', join(folder, 'none.yaml'), 'list');

      expect(broken).toMatchObject({ status: 2, stdout: '' });
      expect(broken.stderr).toMatch(/^\S+noyaml.yaml:2:1: [^\n]+\n$/);
      expect(missing).toMatchObject({ status: 2, stdout: '' });
      expect(missing.stderr).toMatch(/^Unable to read configuration file \S+none.yaml: there is no such file\n$/);
    },
    PATIENCE_MS,
  );
});

test(
  'a database that refuses is told in one line, without its password, and no local one is started',
  async () => {
    const secure = join(folder, 'refused.conf');
    writeFileSync(secure, '[database]\ndburi=postgresql://nodepool:hunter2@127.0.0.1:1/nodepool\n', { mode: 0o600 });

    const { status, stdout, stderr } = await nodepool('-s', secure, 'list');

    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^Cannot use the database: [^\n]*ECONNREFUSED[^\n]*\n$/);
    expect(stderr).not.toContain('hunter2');
  },
  PATIENCE_MS,
);

test(
  'names and reasons from elsewhere do not reach the terminal as escapes, and a long one is kept whole',
  async () => {
    await database.query(
      `insert into node (provider_name, label_name, target_name, hostname, state, state_time)
       values ('p', 'l', 't', $1, 2, 0)`,
      ['host\u001b]0;title\u0007'],
    );
    const [row] = await database.query<{ id: number }>('select max(id) as id from node');
    const reason = `構築\u001b[31m\n${'x'.repeat(300)}`;

    const held = await nodepool('hold', String(row?.id), '--reason', reason);

    expect(held).toMatchObject({ status: 0, stderr: '' });
    expect(held.stdout).not.toContain('\u001b');
    expect(held.stdout).toContain(String.raw`host\x1b]0;title\x07`);
    expect(held.stdout).toContain('x'.repeat(300));
    expect(await database.query('select comment from node where id = $1', [row?.id])).toEqual([{ comment: reason }]);
  },
  PATIENCE_MS,
);

describe('a reader that has seen enough', () => {
  test(
    'of a long table (| head -1) is no failure',
    async () => {
      await database.query(
        `insert into node (provider_name, label_name, target_name, state, state_time)
         select 'p', 'l', 't', 2, 0 from generate_series(1, 3000)`,
      );

      const { status, stdout, stderr } = await inShell('"$@" | head -1', 'list');

      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^\+[-+]+\+\n$/);
    },
    PATIENCE_MS,
  );

  test(
    'before the first word, of the messages too, is no failure',
    async () => {
      const { status } = await inShell('"$@" 2>&1 | true', 'config-validate');

      expect(status).toBe(0);
    },
    PATIENCE_MS,
  );

  test(
    'is not the same as none from the beginning (>&-), which is told',
    async () => {
      const { status, stderr } = await inShell('"$@" >&-', 'list');

      expect({ status, stderr }).toEqual({ status: 1, stderr: 'Cannot write to standard output: it is closed\n' });
    },
    PATIENCE_MS,
  );

  test(
    'is not the same as a full disk, which is told',
    async () => {
      const { status, stderr } = await inShell('"$@" >/dev/full', 'list');

      expect(status).toBe(1);
      expect(stderr).toMatch(/^Cannot write to standard output: [^\n]*ENOSPC[^\n]*\n$/);
    },
    PATIENCE_MS,
  );
});
