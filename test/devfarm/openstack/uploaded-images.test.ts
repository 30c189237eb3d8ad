import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InstancesBackend } from '../../../devfarm/openstack/instances-backend.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { sendRaw } from '../../contract/openstack/raw-http.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { InstanceBench } from '../../peers/instance-bench.ts';
import { BASE_IMAGE, OPEN_HOST_MS } from '../../peers/instance-host.ts';
import { until } from '../../peers/until.ts';
import { EmulatorRig } from './emulator-rig.ts';

const QUICK = { buildMs: 10, deleteMs: 10 };
const LIFE_MS = 120_000;
let bench: InstanceBench;
let folder: string;
let backend: InstancesBackend;
let rig: EmulatorRig;

beforeAll(async () => {
  bench = await InstanceBench.open();
  folder = await mkdtemp(join(tmpdir(), 'uploads-'));
  backend = new InstancesBackend(join(folder, 'servers'), { host: bench.host, log: new RecordingLogger() });
  rig = await EmulatorRig.open({ backend, clock: systemClock, options: { timings: QUICK } });
  const keypair = { name: 'ci', public_key: bench.login.publicKey };
  await rig.call('compute', 'POST /v2.1/os-keypairs', { keypair });
}, OPEN_HOST_MS);
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await backend.close();
  await bench.end();
  await rm(folder, { recursive: true });
}, LIFE_MS);

test(
  'servers boot from a disk that was uploaded, and one logs in to them; when it and they are deleted, nothing is left',
  { timeout: LIFE_MS },
  async () => {
    const layers = bench.host.listImages().length;
    const [base = ''] = bench.host.findImage(BASE_IMAGE)?.layers ?? [];
    const file = join(folder, 'disk');
    await execa('mke2fs', ['-q', '-t', 'ext4', '-d', join(bench.stateDir, 'layers', base), file, '512M']);
    const imageId = await upload(file, 'raw');

    const ids = await Promise.all(['one', 'two'].map((name) => createServer(name, imageId)));
    const names = [];
    for (const id of ids) names.push(await login(await settled(id)));
    await rig.call('image', `DELETE /v2/images/${imageId}`);
    for (const id of ids) {
      await rig.call('compute', `DELETE /v2.1/servers/${id}`);
      await until('the server is gone', async () => (await rig.findServer(id)) === undefined, LIFE_MS);
    }

    expect(names).toEqual(['one', 'two']);
    expect(bench.host.list()).toEqual([]);
    expect(bench.host.listImages()).toHaveLength(layers);
  },
);

test(
  'data that are no disk are taken, as Glance takes them, and each server from them ends in ERROR with the reason',
  { timeout: LIFE_MS },
  async () => {
    const file = join(folder, 'text');
    await writeFile(file, 'This is no disk\n'.repeat(1000));
    const imageId = await upload(file, 'qcow2');

    const server = await settled(await createServer('never', imageId));

    expect(server).toMatchObject({ status: 'ERROR', fault: { message: expect.any(String) as string } });
    expect((server['fault'] as { message: string }).message).toMatch(
      new RegExp(`^Build of instance .* aborted: Image ${imageId} is unacceptable: .*Image is not in qcow2 format`),
    );
    expect(bench.host.list()).toEqual([]);
  },
);

/** Makes an image of the file; gives its id. */
async function upload(file: string, format: string): Promise<string> {
  const facts = { name: 'upload', disk_format: format, container_format: 'bare' };
  const { id } = (await rig.json('image', 'POST /v2/images', facts)) as { id: string };
  const { status } = await sendRaw({
    method: 'PUT',
    url: `${rig.emulator.origins.image}/v2/images/${id}/file`,
    headers: { ...rig.authorization, 'content-type': 'application/octet-stream' },
    body: createReadStream(file),
  });
  expect(status).toBe(204);
  return id;
}

async function createServer(name: string, imageRef: string): Promise<string> {
  const server = { name, imageRef, flavorRef: '1', key_name: 'ci' };
  return ((await rig.json('compute', 'POST /v2.1/servers', { server }))['server'] as { id: string }).id;
}

/** The server when its build is over. */
async function settled(id: string): Promise<Record<string, unknown>> {
  await until('the build is over', async () => (await rig.findServer(id))?.['status'] !== 'BUILD', LIFE_MS);
  return (await rig.findServer(id)) ?? {};
}

/** The host name that the server's machine says it has. */
async function login(server: Record<string, unknown>): Promise<string> {
  const { addresses } = server as { addresses: { private: [{ addr: string }] } };
  const instance = bench.host.list().find(({ address }) => address === addresses.private[0].addr);
  if (instance === undefined) throw new Error('No instance has the address of the server');
  await bench.host.waitForSsh(instance.id, LIFE_MS);
  return await bench.login.run(instance, 'hostname');
}
