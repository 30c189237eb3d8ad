import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FARM_MS, TestFarm } from './test-farm.ts';

let farm: TestFarm;

beforeAll(async () => {
  farm = await TestFarm.start();
}, FARM_MS);
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
}, FARM_MS);

/** What was found, without the marks; each line must have one. */
function linesOf(stdout: string, mark: string): readonly string[] {
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('warning: '));
  for (const line of lines) expect(line).toMatch(/^[✔✘] /);
  return lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(2));
}

test(
  'nodepoold --check says of each part of a good farm what is there, and ends with 0',
  { timeout: 60_000 },
  async () => {
    const { exitCode, stdout, stderr } = await farm.checkSetup();

    expect(linesOf(stdout, '✔')).toEqual([
      expect.stringMatching(/^configuration .*: 1 labels, 1 providers, 1 targets$/),
      expect.stringMatching(/^database: Postgres 15\S* .*installation [0-9a-f-]{36}$/),
      expect.stringMatching(/^key .*: it can be used$/),
      expect.stringMatching(/^script-dir .*scripts: 2 files$/),
      expect.stringMatching(/^setup script .*setup[.]sh: it is there$/),
      expect.stringMatching(/^gearman 127[.]0[.]0[.]1:\d+: \d+ functions, 0 jobs$/),
      expect.stringMatching(/^events tcp:.*: somebody listens$/),
      expect.stringMatching(/^jenkins of target ci: \d+ agents, 0 of them busy$/),
      expect.stringMatching(/^provider cloud: 0 servers; 0 of \d+ instances, .* cores, .* MiB of RAM in use$/),
      expect.stringMatching(/^base image debian in cloud: active, \S+$/),
    ]);
    expect(linesOf(stdout, '✘')).toEqual([]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  },
);

test(
  'nodepoold --check names each thing that is not good and what to do, with the others shown',
  { timeout: 60_000 },
  async () => {
    const key = join(farm.folder, 'key');
    chmodSync(key, 0o644);
    rmSync(join(farm.folder, 'scripts', 'setup.sh'));
    farm.configure({
      image: { 'base-image': 'no-such-image', 'key-name': 'no-such-key' },
      top: { 'gearman-servers': [{ host: '127.0.0.1', port: 1 }], 'zmq-publishers': ['tcp://127.0.0.1:1'] },
    });

    const { exitCode, stdout } = await farm.checkSetup();

    expect(linesOf(stdout, '✘')).toEqual([
      expect.stringMatching(/^key .*set its mode to 0600; look at "private-key"$/),
      expect.stringMatching(/^setup script .*; look at "script-dir" and "setup"$/),
      expect.stringMatching(/^gearman 127[.]0[.]0[.]1:1: .*; is gearmand, or Zuul with its own, running there[?]$/),
      expect.stringMatching(/^events tcp:[/][/]127[.]0[.]0[.]1:1: .*; is Jenkins running/),
      expect.stringMatching(/^base image no-such-image in cloud: There is no such image; look at "base-image"$/),
      expect.stringMatching(
        /^keypair no-such-key in cloud: There is no such keypair; look at "keypair" and "key-name"$/,
      ),
    ]);
    expect(linesOf(stdout, '✔')).toHaveLength(5);
    expect(exitCode).toBe(1);
  },
);

test(
  'nodepoold --check tells of a configuration without use, with 2, and asks nobody',
  { timeout: 60_000 },
  async () => {
    farm.configure({ label: { providers: [{ name: 'nowhere' }] } });

    const { exitCode, stdout } = await farm.checkSetup();

    expect(linesOf(stdout, '✘')).toEqual([expect.stringMatching(/nodepool[.]yaml:\d+:\d+: labels.*nowhere/)]);
    expect(linesOf(stdout, '✔')).toEqual([]);
    expect(exitCode).toBe(2);
  },
);

test(
  'nodepoold --check finds that secure.conf is not there, where targets have no Jenkins by that',
  { timeout: 60_000 },
  async () => {
    farm.configure();
    rmSync(join(farm.folder, 'secure.conf'));

    const { exitCode, stdout } = await farm.checkSetup();

    const missing = /^secrets .*: it is not there, and without it no Jenkins for: ci; look at the option "-s"$/;
    expect(linesOf(stdout, '✘')).toContainEqual(expect.stringMatching(missing));
    expect(exitCode).toBe(1);
  },
);
