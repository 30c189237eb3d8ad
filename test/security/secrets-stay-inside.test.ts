import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, inject, test } from 'vitest';
import { makeTestDatabase, type TestDatabase } from '../db/test-database.ts';
import { LoggedProcess } from '../integration/logged-process.ts';
import { EchoingPeer } from './echoing-peer.ts';
import { LeakyFarm, SECRETS } from './leaky-farm.ts';
import { secretsIn } from './secret-spellings.ts';

const BOOT_MS = 120_000;

test(
  'no secret leaves the programs, though every peer gives back in its error pages what it was sent',
  { timeout: BOOT_MS },
  async () => {
    await using peer = await EchoingPeer.start(SECRETS);
    await using database = await makeTestDatabase(inject('postgresHost'));
    using farm = new LeakyFarm(peer, database.url.reveal());
    const programs = inject('programs');
    const daemon = new LoggedProcess(farm.words(join(programs, 'nodepoold'), '-d'), {
      env: farm.environment,
      cwd: farm.folder,
    });
    const said: string[] = [];
    try {
      await daemon.logged(/Nodepool is running/);
      await Promise.all([
        ...['east', 'south', 'west', 'north', 'token'].map((name) => peer.seen(new RegExp(`POST /${name}/`), 1)),
        peer.seen(/ [/]ci[/]/, 1),
        peer.seen(/GET [/]compute[/]servers/, 4),
      ]);
      const refused = daemon.mark();
      farm.revokeToken();
      await daemon.logged(/The token of good was refused/, refused);
      await daemon.logged(/Login in "good" got status 503/, refused);
      for (const words of COMMANDS) {
        const [program = '', ...args] = farm.words(join(programs, 'nodepool'), '--debug', ...words);
        const { all } = await execa(program, args, {
          ...{ env: farm.environment, extendEnv: false, cwd: farm.folder, reject: false, all: true, timeout: 60_000 },
        });
        said.push(all);
      }
      said.push(...commandLines(daemon.pid));
      const mark = daemon.mark();
      daemon.signal('SIGUSR2');
      await daemon.logged(/Thread: MainThread/, mark);
      daemon.signal('SIGTERM');
      await daemon.ended();
    } finally {
      await daemon.kill();
    }
    const rows = await allRows(database);
    const secrets = new Map([...SECRETS, ['private-key', farm.keyLine]]);

    expect([...peer.received].sort()).toEqual([
      'application',
      'cloud-token',
      'environment',
      'jenkins',
      'provider',
      'renewal',
      'secure-yaml',
      'token',
    ]);
    expect(daemon.lines.length).toBeGreaterThan(20);
    expect(rows).toContain('"who"');
    expect(daemon.lines.filter((line) => secretsIn(line, secrets).length > 0)).toEqual([]);
    expect(said.filter((text) => secretsIn(text, secrets).length > 0)).toEqual([]);
    expect(secretsIn(rows, secrets)).toEqual([]);
  },
);

const COMMANDS = [
  ['list'],
  ['image-list'],
  ['config-validate'],
  ['history', '1'],
  ['info', 'good'],
  ['delete', '1', '--now'],
  ['image-delete', '1'],
];

/** The command lines of a process and of all that it started, as `ps` shows them to everybody. */
function commandLines(pid: number): readonly string[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), parentOf(name)] as const),
  );
  const isOurs = (id: number | undefined): boolean =>
    id === pid || (id !== undefined && id > 1 && isOurs(parents.get(id)));
  return [...parents.keys()].filter(isOurs).map((id) => readOr(`/proc/${id}/cmdline`));
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

/** Everything in the database, as text. */
async function allRows(database: TestDatabase): Promise<string> {
  const tables = await database.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await database.query<{ text: string }>(`select to_json(t)::text as text from "${name}" t`);
    texts.push(...rows.map(({ text }) => text));
  }
  return texts.join('\n');
}
