import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeFileLock } from '../../src/db/file-lock.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { DatabaseRefusedError, DeadlineExceededError } from '../../src/runtime/errors.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { firstOutput, makeTestProgram } from './nodepool-process.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-lock-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const take = (clock = systemClock, signal = neverAborted): Promise<AsyncDisposable> =>
  takeFileLock({ path: join(folder, 'lock'), deadlineMs: 10_000 }, { clock }, signal);

test('one at a time has the lock, in whatever order they come', async () => {
  let holders = 0;
  let most = 0;

  await Promise.all(
    [1, 2, 3, 4].map(async () => {
      await using _held = await take();
      holders += 1;
      most = Math.max(most, holders);
      await Promise.resolve();
      holders -= 1;
    }),
  );

  expect(most).toBe(1);
}, 20_000);

test('a wait for it ends with the deadline or when aborted, and leaves the lock to others', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const held = await take();

  const late = expect(take(clock)).rejects.toThrow(DeadlineExceededError);
  const aborted = expect(take(systemClock, stop.signal)).rejects.toThrow('Stopped');
  await clock.untilSleeping();
  await clock.advance(10_000);
  stop.abort(new Error('Stopped'));

  await Promise.all([late, aborted]);
  await held[Symbol.asyncDispose]();
  await (await take())[Symbol.asyncDispose]();
}, 20_000);

test('a killed program holds it no longer', async () => {
  await using program = await makeTestProgram(`
    import { takeFileLock } from './src/db/file-lock.ts';
    import { systemClock } from './src/runtime/clock.ts';
    const lock = { path: process.argv[2], deadlineMs: 10_000 };
    const held = await takeFileLock(lock, { clock: systemClock }, new AbortController().signal);
    console.log('held', typeof held);
    setInterval(() => undefined, 1_000);
  `);
  const child = program.start([join(folder, 'lock')]);
  await firstOutput(child);

  child.kill('SIGKILL');

  await expect(take().then((held) => held[Symbol.asyncDispose]())).resolves.toBeUndefined();
}, 20_000);

test('a lock that cannot be made says why', async () => {
  const lock = { path: join(folder, 'no', 'lock'), deadlineMs: 10_000 };
  const taking = takeFileLock(lock, { clock: systemClock }, neverAborted);
  await expect(taking).rejects.toThrow(DatabaseRefusedError);
  await expect(taking).rejects.toThrow(/No such file or directory/);
}, 20_000);
