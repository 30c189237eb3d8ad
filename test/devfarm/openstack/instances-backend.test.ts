import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InstancesBackend } from '../../../devfarm/openstack/instances-backend.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { BASE_IMAGE, OPEN_HOST_MS } from '../../peers/instance-host.ts';
import { until } from '../../peers/until.ts';
import { EmulatorRig } from './emulator-rig.ts';

const QUICK = { buildMs: 10, deleteMs: 10, snapshotMs: 10, snapshotTailMs: 1, rebootMs: 1, powerMs: 1, floatingMs: 1 };
const LIFE_MS = 60_000;
let bench: InstanceBench;
let folder: string;

beforeAll(async () => {
  bench = await InstanceBench.open();
  folder = await mkdtemp(join(tmpdir(), 'machines-'));
}, OPEN_HOST_MS);
afterAll(async () => {
  await bench.end();
  await rm(folder, { recursive: true });
}, LIFE_MS);

test(
  'a server is a machine that one logs in to with the key pair; its snapshot boots with what was written; a delete ends it',
  async () => {
    const backend = new InstancesBackend(folder, { host: bench.host, log: new RecordingLogger() });
    const image = { name: 'base-test', machineRef: BASE_IMAGE };
    {
      await using rig = await EmulatorRig.open({
        backend,
        clock: systemClock,
        options: { timings: QUICK, images: [image] },
      });
      const keypair = { name: 'ci', public_key: bench.login.publicKey };
      await rig.call('compute', 'POST /v2.1/os-keypairs', { keypair });
      const body = await rig.serverBody('template.example.org');

      const first = await boot(rig, body);
      expect(await bench.login.run(first, 'hostname; echo kept >/root/kept')).toBe('template.example.org');
      const action = await rig.call('compute', `POST /v2.1/servers/${first.id}/action`, {
        createImage: { name: 'shot' },
      });
      const imageRef = String(action.headers['location']?.split('/').at(-1));
      await until(
        'the snapshot is active',
        async () => (await rig.json('image', `GET /v2/images/${imageRef}`))['status'] === 'active',
      );

      const server = { ...(body['server'] as object), name: 'copy', imageRef };
      const second = await boot(rig, { server });
      expect(await bench.login.run(second, 'cat /root/kept')).toBe('kept');

      for (const { id } of [first, second]) {
        await rig.call('compute', `DELETE /v2.1/servers/${id}`);
        await until('the server is gone', async () => (await rig.findServer(id)) === undefined);
      }
    }
    await backend.close();
    expect(bench.host.list()).toEqual([]);
  },
  LIFE_MS,
);

test(
  'a farm that starts again takes over the machines of its servers and removes those of nobody',
  async () => {
    const log = new RecordingLogger();
    const before = new InstancesBackend(folder, { host: bench.host, log });
    const order = { name: 'mine', imageRef: BASE_IMAGE, publicKeys: [], userData: undefined, metadata: {} };
    const { address } = await before.start({ ...order, serverId: 'server-1' }, new AbortController().signal);
    await bench.host.create({ image: BASE_IMAGE, name: 'nobodys', authorizedKeys: [] });
    await before.close();

    const after = new InstancesBackend(folder, { host: bench.host, log });
    const known = ['server-1', 'server-2'].map((serverId) => ({ serverId, address: undefined }));
    const statuses = await after.adopt(known);

    expect([...statuses]).toEqual([
      ['server-1', 'running'],
      ['server-2', 'missing'],
    ]);
    expect(bench.host.list().map((instance) => instance.address)).toEqual([address]);
    await after.delete('server-1');
    await after.close();
  },
  LIFE_MS,
);

/** Boots a server with the key pair `ci` and gives what a login needs. */
async function boot(
  rig: EmulatorRig,
  body: Record<string, unknown>,
): Promise<{ id: string; address: string; port: number }> {
  const server = { ...(body['server'] as object), key_name: 'ci' };
  const created = await rig.json('compute', 'POST /v2.1/servers', { server });
  const { id } = created['server'] as { id: string };
  await until('the server is ACTIVE', async () => (await rig.findServer(id))?.['status'] === 'ACTIVE');
  const { addresses } = (await rig.findServer(id)) as { addresses: { private: [{ addr: string }] } };
  const instance = bench.host.list().find((each) => each.address === addresses.private[0].addr);
  if (instance === undefined) throw new Error('No instance has the address of the server');
  await bench.host.waitForSsh(instance.id);
  return { id, address: instance.address, port: instance.port };
}
