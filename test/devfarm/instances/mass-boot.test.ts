import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listLaunchersBelow } from '../../../devfarm/instances/process-table.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { OPEN_HOST_MS } from '../../peers/instance-host.ts';

let bench: InstanceBench;

beforeAll(async () => {
  bench = await InstanceBench.open({ maxParallelBoots: 3 });
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
}, 30_000);

test('ten instances at once all answer ssh, each with its own address and host key', { timeout: 60_000 }, async () => {
  const names = Array.from({ length: 10 }, (_, n) => `mass-${n}`);

  const instances = await Promise.all(names.map(async (name) => await bench.boot({ name })));
  const answers = [];
  for (const instance of instances)
    answers.push(await bench.login.run(instance, 'hostname; cat /etc/ssh/ssh_host_ed25519_key.pub | cut -d" " -f2'));

  expect(answers.map((answer) => answer.split('\n')[0])).toEqual(names);
  expect(new Set(answers.map((answer) => answer.split('\n')[1])).size).toBe(10);
  expect(new Set(instances.map(({ address }) => address)).size).toBe(10);
});

test('what was deleted has left no process, mount or file', { timeout: 30_000 }, async () => {
  const running = await Promise.all(bench.host.list().map(async (instance) => await bench.processOf(instance)));

  await Promise.all(
    bench.host.list().map(async ({ id }) => {
      await bench.host.delete(id);
    }),
  );

  expect(await readdir(join(bench.stateDir, 'instances'))).toEqual([]);
  expect(listLaunchersBelow(`${bench.stateDir}/instances/`)).toEqual([]);
  expect(await bench.aliveOf(running.flatMap(({ init, launcher }) => [init.pid, launcher?.pid ?? 0]))).toEqual([]);
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(bench.stateDir);
});

test(
  'an address does not come again soon, for a late client would meet the successor',
  { timeout: 30_000 },
  async () => {
    const order = { image: 'base', name: 'short', authorizedKeys: [] };
    const first = await bench.host.create(order);
    await bench.host.delete(first.id);

    const second = await bench.host.create(order);

    expect(second.address).not.toBe(first.address);
  },
);

test('deleting what is not there is no failure, so that a delete can be repeated', async () => {
  await expect(bench.host.delete('i-00000000')).resolves.toBeUndefined();
  await expect(bench.host.deleteImage('never-was')).resolves.toBeUndefined();
});

test('an unknown image or instance is an error that names it', async () => {
  await expect(bench.host.create({ image: 'nope', name: 'x', authorizedKeys: [] })).rejects.toThrow(
    'Cannot find image "nope"',
  );
  await expect(bench.host.start('i-00000000')).rejects.toThrow('Cannot find instance "i-00000000"');
  await expect(bench.host.create({ image: 'base', name: 'a;b', authorizedKeys: [] })).rejects.toThrow(
    'Cannot name an instance "a;b"',
  );
});

test('destroyAll ends what runs and removes the state folder itself', { timeout: 30_000 }, async () => {
  const other = await InstanceBench.open();
  const running = await other.processOf(await other.boot());

  await other.end();

  await expect(stat(other.stateDir)).rejects.toThrow('ENOENT');
  expect(await other.aliveOf([running.init.pid, running.launcher?.pid ?? 0])).toEqual([]);
});
