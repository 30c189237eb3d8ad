import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listLaunchersBelow } from '../../../devfarm/instances/process-table.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { OPEN_HOST_MS } from '../../peers/instance-host.ts';
import { HostProgram, KillableHost } from './killable-host.ts';

let program: HostProgram;
let bench: InstanceBench;

beforeAll(async () => {
  program = await HostProgram.bundle();
  bench = await InstanceBench.open();
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
  await program[Symbol.asyncDispose]();
}, 30_000);

function startProgram(): KillableHost {
  return new KillableHost(
    program.command({ stateDir: bench.stateDir, network: bench.host.network, port: bench.host.port }),
  );
}

test('an instance outlives a farm that is killed, and the next farm knows it', { timeout: 30_000 }, async () => {
  await bench.host.close();
  const farm = startProgram();
  await farm.next();
  const { result: id = '' } = await farm.ask('boot', 'orphan', bench.login.publicKey);

  await farm.kill();
  await bench.reopen();

  expect(await bench.host.status(id)).toBe('ACTIVE');
  expect(await bench.login.run(bench.host.list()[0] ?? { address: '', port: 0 }, 'hostname')).toBe('orphan');
  expect(await bench.host.console(id)).toContain('booting orphan');
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(bench.stateDir);
  await bench.host.stop(id);
  expect(await bench.host.status(id)).toBe('SHUTOFF');
  await bench.host.delete(id);
});

test('a folder has one farm at a time, for two would undo each other', { timeout: 30_000 }, async () => {
  const farm = startProgram();

  const { error } = await farm.next();

  expect(error).toBe(`Cannot use "${bench.stateDir}": process ${process.pid} already works in it`);
  await farm.kill();
});

test.each([0, 30, 70, 130, 220])(
  'a farm killed %i ms after its orders leaves nothing half made, and nothing unknown runs',
  { timeout: 30_000 },
  async (ms) => {
    const subject = await bench.boot({ name: 'subject' });
    await bench.host.close();
    const farm = startProgram();
    await farm.next();
    farm.order('snapshot', subject.id);
    for (const name of ['a', 'b', 'c']) farm.order('boot', name);
    await systemClock.sleep(ms); // any moment will do: that is what this is about

    await farm.kill();
    await bench.reopen();

    const { host, stateDir } = bench;
    const active = [];
    for (const { id } of host.list())
      if ((await host.status(id)) === 'ACTIVE') active.push(join(stateDir, 'instances', id));
    expect(
      listLaunchersBelow(`${stateDir}/instances/`)
        .map(({ folder }) => folder)
        .sort(),
    ).toEqual(active.sort());
    expect((await readdir(join(stateDir, 'instances'))).sort()).toEqual(
      host
        .list()
        .map(({ id }) => id)
        .sort(),
    );
    expect((await readdir(join(stateDir, 'layers'))).sort()).toEqual(
      [...new Set(host.listImages().flatMap(({ layers }) => layers))].sort(),
    );
    expect(await bench.login.run(subject, 'echo awake')).toBe('awake');
    await Promise.all(
      host.list().map(async ({ id }) => {
        await host.delete(id);
      }),
    );
    await host.deleteImage(`of-${subject.id}`);
    expect(listLaunchersBelow(`${stateDir}/`)).toEqual([]);
  },
);
