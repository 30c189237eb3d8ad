import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimFolder } from '../../../devfarm/instances/owner-claim.ts';
import { until } from '../../peers/until.ts';
import { findProcess, formatIdentity, isRunning, parseIdentity } from '../../../devfarm/instances/process-identity.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npc-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('a folder that a living process claims is refused, and free after its release', async () => {
  const release = await claimFolder(folder);

  await expect(claimFolder(folder)).rejects.toThrow(
    `Cannot use "${folder}": process ${process.pid} already works in it`,
  );
  await release();
  const again = await claimFolder(folder);

  await again();
  expect(await readdir(folder)).toEqual([]);
});

test('of many starters at once one wins', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, async () => await claimFolder(folder)));

  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(folder)).toEqual(['owner']);
});

test.each([
  ['a dead process', '999999999 1 00000000-0000-4000-8000-000000000000'],
  ['a process of before the last boot', `${process.pid} 1 00000000-0000-4000-8000-000000000000`],
  ['a file cut short', '12'],
])('the claim of %s is taken over', async (_who, claim) => {
  await writeFile(join(folder, 'owner'), claim);

  await claimFolder(folder);

  expect(parseIdentity(await readFile(join(folder, 'owner'), 'utf8'))?.pid).toBe(process.pid);
});

test('a process is known by its identity, until it ends', async () => {
  const child = execa('sleep', ['60'], { reject: false });
  const identity = await findProcess(child.pid ?? 0);
  const before = identity !== undefined && (await isRunning(identity));

  child.kill('SIGKILL');
  await child;

  expect(before).toBe(true);
  expect(identity !== undefined && (await isRunning(identity))).toBe(false);
  expect(parseIdentity(identity === undefined ? '' : formatIdentity(identity))).toEqual(identity);
});

test('a zombie counts as ended: nobody may be there to reap it for seconds', async () => {
  const parent = execa('perl', ['-e', LEAVE_ZOMBIE], { reject: false, buffer: false });
  const line = await parent.iterable()[Symbol.asyncIterator]().next();
  const pid = Number(line.value);

  await until('it is a zombie', async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') Z '));
  expect(await findProcess(pid)).toBeUndefined();

  parent.kill('SIGKILL');
  await parent;
});

const LEAVE_ZOMBIE = '$| = 1; my $pid = fork // die; exit 0 unless $pid; print "$pid\\n"; sleep 60';
