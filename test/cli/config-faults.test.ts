import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { aProviderSection, yamlOf } from '../builders/config-of.ts';
import { type Ending, RunningProgram } from '../peers/built-programs.ts';

const PATIENCE_MS = 30_000; // several starts of Node on a busy machine

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-faults-'));
  chmodSync(folder, 0o755); // under root, Postgres runs as another user
  mkdirSync(join(folder, 'scripts'));
  write(yamlOf({ 'script-dir': join(folder, 'scripts') }));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(text: string, name = 'nodepool.yaml'): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}

type Run = Ending & { readonly stdout: string; readonly stderr: string };

async function nodepool(...words: readonly string[]): Promise<Run> {
  const env = { ...process.env, NODEPOOL_STATE_DIR: 'state', HOME: folder };
  const options = ['-c', join(folder, 'nodepool.yaml'), '-s', join(folder, 'secure.conf')];
  const program = join(inject('programs'), 'nodepool');
  const running = new RunningProgram(spawn(program, [...options, ...words], { cwd: folder, env }));
  const ending = await running.ended;
  return { ...ending, stdout: running.stdout, stderr: running.stderr };
}

describe('a database that can never be used is status 2, with the place and without the address', () => {
  test.each([
    ['nonsense:hunter2', 'Cannot read "dburi": it must begin with "postgresql://"'],
    ['mysql://nodepool:hunter2@localhost/nodepool', 'Cannot work on a database of kind "mysql": its tables cannot'],
    ['', 'Key "dburi" has no value: give the address of a Postgres, or remove the key for a local one'],
  ])(
    'dburi=%s',
    async (dburi, message) => {
      write(`[database]\ndburi=${dburi}\n`, 'secure.conf');

      const list = await nodepool('list');
      const validation = await nodepool('config-validate');

      for (const { status, stdout, stderr } of [list, validation]) {
        expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
        const faults = stderr.split('\n').filter((line) => line.startsWith(folder));
        expect(faults).toEqual([expect.stringContaining(`secure.conf:2:1: `)]);
        expect(faults[0]).toContain(message);
        expect(stderr).not.toContain('hunter2');
      }
      expect(list.stderr).toMatch(/^[^\n]+\n$/);
      expect(existsSync(join(folder, 'state'))).toBe(false);
    },
    PATIENCE_MS,
  );
});

describe('config-validate', () => {
  test(
    'refuses what is no address, with its place',
    async () => {
      write(yamlOf({ providers: [aProviderSection({ 'auth-url': 'notaurl' })] }));

      const { status, stderr } = await nodepool('config-validate');

      expect(status).toBe(2);
      expect(stderr).toMatch(/nodepool.yaml:\d+:\d+: auth-url: Expected an address such as [^\n]+, found "notaurl"\n$/);
    },
    PATIENCE_MS,
  );

  test.each([
    ['absent', 'There is no folder'],
    ['nodepool.yaml', 'It is no folder:'],
  ])(
    'warns of a script-dir that is %s: it may be mounted later',
    async (name, message) => {
      const path = join(folder, name);
      write(yamlOf({ 'script-dir': path }));

      const { status, stderr } = await nodepool('config-validate');

      expect(status).toBe(0);
      expect(stderr).toMatch(/\nwarning: \S+nodepool.yaml:2:17: script-dir: /);
      expect(stderr).toContain(`script-dir: ${message} "${path}": images with "setup" cannot be built\n`);
    },
    PATIENCE_MS,
  );

  test(
    'warns of a secure.conf that is not there, where targets have no Jenkins without it',
    async () => {
      const { status, stderr } = await nodepool('config-validate');

      expect(status).toBe(0);
      expect(stderr).toContain(
        `\nwarning: secrets ${folder}/secure.conf: it is not there, and without it no Jenkins for: jenkins1;`,
      );
    },
    PATIENCE_MS,
  );

  test(
    'says nothing of a script-dir and a secure.conf that are there',
    async () => {
      write('[jenkins "jenkins1"]\nurl=http://127.0.0.1:9\n', 'secure.conf');

      expect(await nodepool('config-validate')).toMatchObject({
        status: 0,
        stderr: `validating ${folder}/nodepool.yaml\nConfiguration validation complete\n`,
      });
    },
    PATIENCE_MS,
  );
});

test(
  'a command that makes the local database says so and where, and a relative state directory is below the current one',
  async () => {
    write('', 'secure.conf');
    write('[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n', 'quiet.conf');
    try {
      const first = await nodepool('-l', join(folder, 'quiet.conf'), 'list');
      const second = await nodepool('list');

      expect(first).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^\+-/) as string,
        stderr: `There is no database yet: creating one in ${folder}/state/postgres (to use another, set "dburi" or NODEPOOL_STATE_DIR)\n`,
      });
      expect(second).toMatchObject({ status: 0, stderr: '' });
    } finally {
      await nodepool('db', 'stop');
    }
  },
  PATIENCE_MS,
);
