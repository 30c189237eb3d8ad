import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aLabelSection, aProviderSection, aTargetSection } from '../builders/config-of.ts';
import { until } from '../peers/until.ts';
import { DaemonProgram } from './daemon-program.ts';

const PATIENCE_MS = 60_000; // several starts of Node on a busy machine

let program: DaemonProgram;

beforeEach(async () => {
  program = await DaemonProgram.open();
});

afterEach(async () => {
  await program[Symbol.asyncDispose]();
});

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

async function untilIn(path: string, text: string): Promise<void> {
  await until(`"${text}" in ${path}`, () =>
    Promise.resolve(existsSync(path) && readFileSync(path, 'utf8').includes(text)),
  );
}

describe('a stop', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGUSR1'] as const)(
    'by %s is graceful, with status 0, and takes the pid file of that process along',
    async (signal) => {
      await using daemon = await program.running('-p', program.pathOf('pid'));
      program.writeFile('pid', `${daemon.child.pid ?? 0}\n`);

      daemon.kill(signal);

      expect(await daemon.ended).toEqual({ status: 0, signal: null });
      expect(daemon.stderr).toContain(`INFO nodepool: Stopping after ${signal}; a second signal stops at once`);
      expect(daemon.stderr.trimEnd().split('\n').at(-1)).toContain('INFO nodepool: Nodepool has stopped');
      expect(readdirSync(program.folder)).not.toContain('pid');
    },
    PATIENCE_MS,
  );

  test(
    'by a second signal is at once, with status 1',
    async () => {
      await using daemon = await program.running();

      daemon.kill('SIGTERM');
      daemon.kill('SIGINT');

      expect(await daemon.ended).toEqual({ status: 1, signal: null });
      expect(daemon.stderr).not.toContain('Nodepool has stopped');
    },
    PATIENCE_MS,
  );
});

describe('SIGHUP', () => {
  test(
    'puts a changed configuration into force: providers, labels and targets come and go',
    async () => {
      await using daemon = await program.running();

      program.writeConfig({
        labels: [aLabelSection()],
        providers: [aProviderSection({ 'auth-url': 'http://127.0.0.1:1/v3', 'api-timeout': 1 })],
        targets: [aTargetSection({ jenkins: { url: 'http://127.0.0.1:1', 'credentials-id': 'x' } })],
      });
      daemon.kill('SIGHUP');
      await daemon.untilSaid('was read again');
      await daemon.untilSaid('Missing image trusty on fake-provider');
      await daemon.untilSaid('Target jenkins1 is offline');
      await daemon.untilSaid('Cannot build image trusty in fake-provider');
      await daemon.untilSaid('Deleted image id: 1'); // nothing names the provider any more
      program.writeConfig();
      daemon.kill('SIGHUP');
      await daemon.untilSaid(/was read again[^]*was read again/);
      daemon.kill('SIGHUP'); // else the next look is ten seconds later

      await daemon.untilSaid('Nothing is left of provider fake-provider, which is no longer configured');
      await daemon.untilSaid('Nothing is left of target jenkins1, which is no longer configured');
    },
    PATIENCE_MS,
  );

  test(
    'of a broken file changes nothing and says the place in one line, and the mended file is taken',
    async () => {
      await using daemon = await program.running();

      program.writeFile('nodepool.yaml', 'labels: []\nproviders: []\ntargets: []\ncron: 7\n');
      daemon.kill('SIGHUP');
      await daemon.untilSaid('the last good one stays in force');
      daemon.kill('SIGHUP');
      program.writeConfig({ cron: { check: '1 2 3 * *' } });
      daemon.kill('SIGHUP');
      await daemon.untilSaid('was read again');

      const complaints = daemon.stderr.split('\n').filter((line) => line.includes('stays in force'));
      expect(complaints).toEqual([expect.stringMatching(/ ERROR nodepool: .*nodepool.yaml:4:7: cron: /)]);
    },
    PATIENCE_MS,
  );

  test(
    'opens log files again, so that logrotate may move them',
    async () => {
      program.writeFile(
        'logging.conf',
        [
          '[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=',
          '[logger_root]\nlevel=DEBUG\nhandlers=file',
          `[handler_file]\nclass=FileHandler\nlevel=DEBUG\nargs=('${program.pathOf('log')}',)\n`,
        ].join('\n'),
      );
      await using daemon = program.start('-d', '-l', program.pathOf('logging.conf'), '-p', program.pathOf('pid'));
      await untilIn(program.pathOf('log'), 'Nodepool is running');
      renameSync(program.pathOf('log'), program.pathOf('log.1'));

      program.writeConfig({ cron: { check: '1 2 3 * *' } });
      daemon.kill('SIGHUP');
      await untilIn(program.pathOf('log'), 'was read again');

      expect(readFileSync(program.pathOf('log.1'), 'utf8')).not.toContain('was read again');
    },
    PATIENCE_MS,
  );
});

test(
  'SIGUSR2 lists what runs and begins a profile; the next one ends it and says where it is',
  async () => {
    await using daemon = await program.running();

    daemon.kill('SIGUSR2');
    await daemon.untilSaid('Thread: MainThread (0)');
    daemon.kill('SIGUSR2');
    await daemon.untilSaid('CPU profile written to ');

    expect(daemon.stderr).toMatch(/DEBUG nodepool.stack_dump: \d+ tasks\nThread: Loop demand \(\d+\)\n {2}waits on /);
    const path = /CPU profile written to (\S+)/.exec(daemon.stderr)?.[1] ?? '';
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('nodes');
    expect(countOf(daemon.stderr, 'Thread: MainThread (0)')).toBe(2);
  },
  PATIENCE_MS,
);

describe('a daemon that cannot start', () => {
  test(
    'for its configuration ends with 2 and a line for each fault',
    async () => {
      program.writeFile('nodepool.yaml', 'labels: []\nproviders: []\ntargets: []\ncron: 7\ngearman-servers: [{}]\n');

      const { status, stderr } = await program.run('-d');

      expect(status).toBe(2);
      expect(stderr).toMatch(/ERROR nodepool: \S*nodepool.yaml:4:7: cron: .*\n.*nodepool.yaml:5:\d+: gearman-servers/);
    },
    PATIENCE_MS,
  );

  test(
    'for a database that is none ends with 2 and the place, without the password',
    async () => {
      program.writeFile('nonsense.conf', '[database]\ndburi=mysql://nodepool:hunter2@localhost/x\n');

      const { status, stderr } = await program.run('-d', '-s', program.pathOf('nonsense.conf'));

      expect(status).toBe(2);
      expect(stderr).toMatch(/ERROR nodepool: \S+nonsense.conf:2:1: dburi: Cannot work on a database of kind "mysql"/);
      expect(stderr).not.toMatch(/hunter2|\n {4}at /);
    },
    PATIENCE_MS,
  );

  test(
    'for its database ends with 1 and one line, without the password',
    async () => {
      program.writeFile('refused.conf', '[database]\ndburi=postgresql://nodepool:hunter2@127.0.0.1:1/x\n');

      const { status, stderr } = await program.run('-d', '-s', program.pathOf('refused.conf'));

      expect(status).toBe(1);
      expect(stderr).toMatch(/ERROR nodepool: The daemon cannot run: Cannot use the database: .*ECONNREFUSED/);
      expect(stderr).not.toMatch(/hunter2|\n {4}at /);
    },
    PATIENCE_MS,
  );

  test('for a wrong option ends with 1', async () => {
    expect(await program.run('--bogus')).toMatchObject({ status: 1, stderr: "error: unknown option '--bogus'\n" });
  });

  test('prints its version as upstream does', async () => {
    expect(await program.run('--version')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Nodepool version: \S+\n$/) as string,
    });
  });
});
