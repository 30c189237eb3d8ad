import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../peers/until.ts';
import { DaemonProgram, type Run } from './daemon-program.ts';

const PATIENCE_MS = 60_000; // several starts of Node on a busy machine

let program: DaemonProgram;
/** Ended after the test, whatever became of it. */
let daemons: Set<number>;

beforeEach(async () => {
  program = await DaemonProgram.open();
  daemons = new Set();
});

afterEach(async () => {
  for (const pid of daemons) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await program[Symbol.asyncDispose]();
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // ESRCH
  }
}

function pidInFile(): number {
  const pid = Number(readFileSync(program.pathOf('pid'), 'utf8'));
  daemons.add(pid);
  return pid;
}

/** Starts a daemon in the background; resolves when the command returns. */
async function start(...words: readonly string[]): Promise<Run> {
  return await program.run('-p', program.pathOf('pid'), ...words);
}

async function untilGone(pid: number): Promise<void> {
  await until(`the end of process ${pid}`, () => Promise.resolve(!isAlive(pid)));
}

test(
  'the command returns with 0 when the daemon runs, whose id is in the pid file until it ends',
  async () => {
    const started = await start();
    const pid = pidInFile();

    expect(started).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(isAlive(pid)).toBe(true);

    process.kill(pid, 'SIGTERM');
    await untilGone(pid);
    expect(existsSync(program.pathOf('pid'))).toBe(false);
  },
  PATIENCE_MS,
);

test(
  'a daemon that keeps no log outlives what it would have logged',
  async () => {
    await start();
    const pid = pidInFile();

    process.kill(pid, 'SIGUSR2');
    process.kill(pid, 'SIGHUP');
    process.kill(pid, 'SIGUSR2');
    const isWritten = (name: string): boolean => name.endsWith('.cpuprofile');
    await until('a profile', () => {
      if (!readdirSync(program.folder).some(isWritten)) process.kill(pid, 'SIGUSR2'); // two may have come as one
      return Promise.resolve(readdirSync(program.folder).some(isWritten));
    });

    expect(isAlive(pid)).toBe(true);
  },
  PATIENCE_MS,
);

test(
  'a pid file of a dead process is replaced',
  async () => {
    const dead = spawn('true');
    await once(dead, 'close');
    program.writeFile('pid', `${dead.pid ?? 0}\n`);

    expect(await start()).toMatchObject({ status: 0 });

    expect(pidInFile()).not.toBe(dead.pid);
    expect(isAlive(pidInFile())).toBe(true);
  },
  PATIENCE_MS,
);

test(
  'a second daemon with the same pid file gives up after ten seconds with one line and status 1; the first runs on',
  async () => {
    await start();
    const pid = pidInFile();

    const second = await start();

    expect(second).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `nodepoold: Process ${pid} of "${program.pathOf('pid')}" is still running\n`,
    });
    expect(pidInFile()).toBe(pid);
    expect(isAlive(pid)).toBe(true);
  },
  PATIENCE_MS,
);

test(
  'of two starts at once one daemon runs, and the other start says which',
  async () => {
    const starts = await Promise.all([start(), start()]);

    const pid = pidInFile();
    expect(isAlive(pid)).toBe(true);
    expect(starts.map(({ status }) => status).sort()).toEqual([0, 1]);
    const refused = starts.find(({ status }) => status === 1);
    expect(refused?.stderr).toBe(`nodepoold: Process ${pid} of "${program.pathOf('pid')}" is still running\n`);
  },
  PATIENCE_MS,
);

describe('a daemon that does not come up leaves no pid file', () => {
  test(
    'and is status 2 with each fault on a line where the configuration is broken',
    async () => {
      program.writeFile('nodepool.yaml', 'labels: []\nproviders: []\ntargets: []\ncron: 7\ngearman-servers: [{}]\n');

      const { status, stderr } = await start();

      expect(status).toBe(2);
      expect(stderr).toMatch(/nodepool.yaml:4:7: cron: .*\n.*nodepool.yaml:5:\d+: gearman-servers.*\n$/);
      expect(existsSync(program.pathOf('pid'))).toBe(false);
    },
    PATIENCE_MS,
  );

  test(
    'and is status 1 with the reason where the database is away, also with a log of its own',
    async () => {
      program.writeFile('refused.conf', '[database]\ndburi=postgresql://nodepool:hunter2@127.0.0.1:1/x\n');
      program.writeFile(
        'logging.conf',
        '[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nlevel=DEBUG\nhandlers=\n',
      );

      const { status, stderr } = await start(
        ...['-s', program.pathOf('refused.conf')],
        ...['-l', program.pathOf('logging.conf')],
      );

      expect(status).toBe(1);
      expect(stderr).toMatch(/^The daemon cannot run: Cannot use the database: [^\n]*ECONNREFUSED[^\n]*\n$/);
      expect(existsSync(program.pathOf('pid'))).toBe(false);
    },
    PATIENCE_MS,
  );

  test(
    'and is status 1 where the pid file cannot be written',
    async () => {
      program.writeFile('file', '');

      const { status, stderr } = await program.run('-p', program.pathOf('file/nodepool.pid'));

      expect(status).toBe(1);
      expect(stderr).toMatch(/^nodepoold: [^\n]*(a part of the path is no folder|EEXIST)[^\n]*\n$/);
    },
    PATIENCE_MS,
  );
});
