import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/database.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { listenTo } from './listen-to.ts';
import type { TestProgram } from './nodepool-process.ts';
import { firstOutput, makeTestProgram } from './nodepool-process.ts';
import { StateFolder } from './state-folder.ts';

const BOOT_MS = 60_000;
const small = { provider: 'east', label: 'small', target: 'ci' };
const cause = { who: 'test', why: 'Test' };

let program: TestProgram;

beforeAll(async () => {
  program = await makeTestProgram(`
    import { ensureManagedPostgres } from './src/db/managed-postgres.ts';
    import { systemClock } from './src/runtime/clock.ts';
    import { systemRandomness } from './src/runtime/randomness.ts';
    const log = { name: '', debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    const [stateDir, programsFolder] = process.argv.slice(2);
    const options = { stateDir, ...(programsFolder && { programsFolder }) };
    const signal = new AbortController().signal;
    await ensureManagedPostgres(options, { clock: systemClock, randomness: systemRandomness, log }, signal);
    console.log('up');
    setInterval(() => undefined, 1_000);
  `);
}, BOOT_MS);

afterAll(async () => {
  await program[Symbol.asyncDispose]();
});

const open = (url: Secret): Promise<Database> =>
  openDatabase(
    { url, program: 'test' },
    { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() },
    neverAborted,
  );

test(
  'the server outlives the program that started it, with its whole process group',
  async () => {
    await using state = new StateFolder();
    const starter = program.start([state.path, await state.programsWith({})]);
    await firstOutput(starter);
    const { serverPid } = state;

    process.kill(-(starter.pid ?? 0), 'SIGKILL');
    await once(starter, 'close');

    await using database = await open(await state.ensure());
    expect(await database.nodes.list()).toEqual([]);
    expect(state.serverPid).toBe(serverPid);
  },
  BOOT_MS,
);

test.each([
  ['while the cluster is made', { initdb: 'REAL --no-sync "$@" >/dev/null && kill -9 $PPID' }],
  ['before the server is started', { pg_ctl: 'kill -9 $PPID' }],
  ['as soon as the server runs', { pg_ctl: 'REAL "$@" && kill -9 $PPID' }],
])(
  'a program that dies %s leaves what the next one can use',
  async (_, scripts) => {
    await using state = new StateFolder();
    const starter = program.start([state.path, await state.programsWith(scripts)], state.cluster.user);
    const [, signal] = (await once(starter, 'exit')) as [unknown, unknown];
    expect(signal).toBe('SIGKILL');

    await using database = await open(await state.ensure());

    expect(await database.nodes.insert([small], cause)).toHaveLength(1);
    expect(readdirSync(state.cluster.folder).filter((name) => name.startsWith('data.new'))).toEqual([]);
  },
  BOOT_MS,
);

test(
  'a server that was killed is started again, and nothing that was stored is lost',
  async () => {
    await using state = new StateFolder();
    await using database = await open(await state.ensure());
    const stored = await database.nodes.insert([small, small, small], cause);

    process.kill(state.serverPid, 'SIGKILL');
    await state.ensure();

    await using after = await open(await state.ensure());
    expect(await after.nodes.list()).toEqual(stored);
  },
  BOOT_MS,
);

test(
  'backends that outlive a killed server for a moment only delay the next start',
  async () => {
    await using state = new StateFolder();
    const complain = 'echo "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use" >>log; exit 1';
    const pgCtl = `[ -e met ] || { touch met; ${complain}; }; exec REAL "$@"`;

    await using database = await open(
      await state.ensure({ programsFolder: await state.programsWith({ pg_ctl: pgCtl }) }),
    );

    expect(await database.nodes.list()).toEqual([]);
  },
  BOOT_MS,
);

test(
  'lock files whose process id another program of the same user has now do not keep it from starting',
  async () => {
    await using state = new StateFolder();
    await state.ensure();
    const files = [join(state.cluster.data, 'postmaster.pid'), `${state.cluster.socket}.lock`];
    const texts = files.map((file) => readFileSync(file, 'utf8'));
    await state.stop();
    const other = spawn('sleep', ['600'], { ...state.cluster.user });
    for (const [index, file] of files.entries()) {
      writeFileSync(file, (texts[index] ?? '').replace(/^\d+/, String(other.pid)));
    }

    await using database = await open(await state.ensure());

    expect(await database.nodes.list()).toEqual([]);
    other.kill();
  },
  BOOT_MS,
);

test(
  'a restart under load fails calls in our words only, and the same stores go on after it',
  async () => {
    await using state = new StateFolder();
    await using database = await open(await state.ensure());
    const feed = listenTo(database);
    await feed.next();
    const nodes = await database.nodes.insert(Array<typeof small>(40).fill(small), cause);
    const failures: unknown[] = [];
    let restarted = false;
    const load = nodes.map(async (node) => {
      for (let afterwards = 0; afterwards < 2;) {
        const outcome = await database.nodes.record(node.id, { comment: 'x' }).catch((error: unknown) => error);
        if (outcome instanceof Error) failures.push(outcome);
        else if (restarted) afterwards += 1;
      }
    });

    await state.stop();
    await state.ensure();
    restarted = true;
    await Promise.all(load);
    while ((await feed.next()).table !== 'all'); // and is told to read everything anew

    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter((failure) => !(failure instanceof DatabaseUnavailableError))).toEqual([]);
    expect(await database.nodes.list()).toHaveLength(40);
    expect(existsSync(state.cluster.socket)).toBe(true);
  },
  BOOT_MS,
);
