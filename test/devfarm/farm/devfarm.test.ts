import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { isRunning, parseIdentity } from '../../../devfarm/instances/process-identity.ts';
import { OPEN_HOST_MS } from '../../peers/instance-host.ts';
import { until } from '../../peers/until.ts';
import { FarmDoor, type Said } from './farm-door.ts';
import { bootServer, serversOf } from './farm-servers.ts';

const FARM_MS = 120_000;

let door: FarmDoor;

beforeAll(async () => {
  door = await FarmDoor.open();
}, OPEN_HOST_MS);

afterEach(async () => {
  await door.devfarm('down');
}, FARM_MS);

afterAll(() => door[Symbol.asyncDispose](), FARM_MS);

/** What a verb told of the farm: `keystone` → its address. */
function factsOf({ stdout }: Said): Readonly<Record<string, string>> {
  const rows = stdout.matchAll(/^ {2}(\w+) +(.+)$/gm);
  return Object.fromEntries([...rows].map(([, name = '', value = '']) => [name, value]));
}

/** The process that serves. */
function pidOf({ stdout }: Said): number {
  return Number(/\(process (\d+)\)/.exec(stdout)?.[1]);
}

async function killServing(said: Said): Promise<void> {
  const identity = parseIdentity(readFileSync(join(door.root, 'owner'), 'utf8'));
  if (identity?.pid !== pidOf(said)) throw new Error('The process that serves is not the one that was told');
  process.kill(identity.pid, 'SIGKILL');
  await until('the serving process is gone', async () => !(await isRunning(identity)));
}

test(
  'up tells where everything is, status tells it again, and a second up changes nothing',
  { timeout: FARM_MS },
  async () => {
    const up = await door.devfarm('up', '--no-machines');
    const again = await door.devfarm('up', '--no-machines');
    const status = await door.devfarm('status');

    expect(up).toMatchObject({ exitCode: 0, stderr: '' });
    expect(Object.keys(factsOf(up))).toEqual(['keystone', 'jenkins', 'zeromq', 'gearmand', 'machines', 'nodepool']);
    expect(readFileSync(factsOf(up)['nodepool'] ?? '', 'utf8')).toContain(factsOf(up)['keystone']);
    expect(again).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `devfarm: A farm is up already in ${door.root} (process ${pidOf(up)})`,
    });
    expect(status).toEqual(up);
  },
);

test(
  'a gearmand that ended is told by status, and started by up at the port of before',
  { timeout: FARM_MS },
  async () => {
    const up = await door.devfarm('up', '--no-machines');
    const gearmand = z
      .object({ pid: z.int() })
      .parse(JSON.parse(readFileSync(join(door.root, 'gearmand.json'), 'utf8')));
    process.kill(gearmand.pid, 'SIGKILL');
    await until('gearmand is gone', () => Promise.resolve(!existsSync(`/proc/${gearmand.pid}`)));

    const status = await door.devfarm('status');
    const mended = await door.devfarm('up', '--no-machines');

    expect(status).toMatchObject({ exitCode: 1, stderr: 'devfarm: gearmand has ended: "devfarm up" starts it again' });
    expect(factsOf(status)['gearmand']).toBe(`${factsOf(up)['gearmand'] ?? ''} (ended)`);
    expect(mended).toEqual(up);
    expect(await door.devfarm('status')).toEqual(up);
  },
);

test('run reaches the farm, and ends as its command ends', { timeout: FARM_MS }, async () => {
  const up = await door.devfarm('up', '--no-machines');
  const look = 'fetch(process.argv[1]).then((answer) => console.log(answer.status))';

  const inside = await door.devfarm('run', '--', 'node', '-e', look, factsOf(up)['keystone'] ?? '');
  const failing = await door.devfarm('run', 'sh', '-c', 'echo out; echo err >&2; exit 7');
  const missing = await door.devfarm('run', 'no-such-program');

  expect(inside).toEqual({ exitCode: 0, stdout: '200', stderr: '' });
  expect(failing).toEqual({ exitCode: 7, stdout: 'out', stderr: 'err' });
  expect(missing.exitCode).toBe(1);
  expect(missing.stderr.split('\n')).toHaveLength(1);
});

test('where no farm is, status and run say so, and down has nothing to do', { timeout: FARM_MS }, async () => {
  const stderr = `devfarm: No farm is up in ${door.root}`;

  expect(await door.devfarm('status')).toEqual({ exitCode: 1, stdout: '', stderr });
  expect(await door.devfarm('run', 'true')).toEqual({ exitCode: 1, stdout: '', stderr });
  expect(await door.devfarm('down')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(door.leftovers()).toEqual([]);
});

test(
  'a farm whose serving process was killed is taken over: the same ports, and its machines never noticed',
  { timeout: FARM_MS },
  async () => {
    const up = await door.devfarm('up');
    const server = await bootServer(door, factsOf(up));
    const files = readFileSync(factsOf(up)['nodepool'] ?? '', 'utf8');

    await killServing(up);
    const killed = await door.devfarm('status');
    const taken = await door.devfarm('up');
    const after = await serversOf(door, factsOf(taken));
    const alive = await door.run('ssh-keyscan', '-t', 'ed25519', '-p', '22', server.address);

    expect(killed.stderr).toBe(`devfarm: No farm is up in ${door.root}`);
    expect(taken.exitCode).toBe(0);
    expect(pidOf(taken)).not.toBe(pidOf(up));
    expect(factsOf(taken)).toEqual(factsOf(up));
    expect(readFileSync(factsOf(up)['nodepool'] ?? '', 'utf8')).toBe(files);
    expect(after).toEqual([server]);
    expect(alive.stdout).toBe(server.hostKey);
  },
);

test(
  'down leaves nothing, whether its process lives or was killed; a second down is no fault',
  { timeout: FARM_MS },
  async () => {
    for (const isKilled of [false, true]) {
      const up = await door.devfarm('up');
      await bootServer(door, factsOf(up));
      if (isKilled) await killServing(up);
      expect(door.leftovers()).not.toEqual([]);

      expect(await door.devfarm('down')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      expect(door.leftovers()).toEqual([]);
      expect(await door.devfarm('down')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    }
  },
);

test('of two ups at once there comes one farm, and down leaves nothing of either', { timeout: FARM_MS }, async () => {
  const both = await Promise.all([door.devfarm('up', '--no-machines'), door.devfarm('up', '--no-machines')]);
  const status = await door.devfarm('status');
  await door.devfarm('down');

  const served = both.filter(({ exitCode }) => exitCode === 0);
  expect(served.length).toBeGreaterThan(0);
  for (const up of served) expect(up).toEqual(status);
  for (const { stderr } of both.filter(({ exitCode }) => exitCode !== 0)) expect(stderr).toMatch(/^devfarm: .+$/);
  expect(door.leftovers()).toEqual([]);
});

test('a folder with other files in it is neither taken nor removed', { timeout: FARM_MS }, async () => {
  mkdirSync(door.root);
  writeFileSync(join(door.root, 'thesis.txt'), 'years of work');

  const up = await door.devfarm('up', '--no-machines');
  const down = await door.devfarm('down');
  const kept = readFileSync(join(door.root, 'thesis.txt'), 'utf8');
  rmSync(door.root, { recursive: true });

  expect(up).toMatchObject({
    exitCode: 1,
    stderr: `devfarm: Cannot make a farm in ${door.root}: other files are in it`,
  });
  expect(down).toMatchObject({ exitCode: 1, stderr: `devfarm: Cannot remove ${door.root}: it is no farm's folder` });
  expect(kept).toBe('years of work');
});
