import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KnownServer, MachineStatus } from '../../../devfarm/openstack/machine-backend.ts';
import { NoMachinesBackend } from '../../../devfarm/openstack/no-machines-backend.ts';
import { EmulatorRig } from './emulator-rig.ts';

/** A copy of the folder at any moment is what `kill -9` leaves: each change is written before its answer. */
const afterKillOf = (rig: EmulatorRig): Promise<EmulatorRig> => EmulatorRig.open({ from: rig.stateDir });

test('an ACTIVE server keeps its address over a kill, and a new one gets another', async () => {
  await using killed = await EmulatorRig.open();
  const id = await killed.makeServer('old');
  const before = await killed.findServer(id);

  await using rig = await afterKillOf(killed);
  const young = await rig.makeServer('young');

  const after = await rig.findServer(id);
  expect(after).toMatchObject({ status: 'ACTIVE', name: 'old', addresses: before?.['addresses'] });
  expect((await rig.findServer(young))?.['addresses']).not.toEqual(before?.['addresses']);
});

test('a server that was accepted is built after a kill, so that no answer was a lie', async () => {
  await using killed = await EmulatorRig.open();
  const id = await killed.createServer('promised');

  await using rig = await afterKillOf(killed);
  expect(await rig.findServer(id)).toMatchObject({ status: 'BUILD', 'OS-EXT-STS:task_state': 'scheduling' });
  await rig.clock.advance(1000);

  expect(await rig.findServer(id)).toMatchObject({ status: 'ACTIVE' });
});

test('a delete that was accepted goes on after a kill', async () => {
  await using killed = await EmulatorRig.open();
  const id = await killed.makeServer('doomed');
  await killed.call('compute', `DELETE /v2.1/servers/${id}`);

  await using rig = await afterKillOf(killed);
  await rig.clock.advance(1000);

  expect(await rig.findServer(id)).toBeUndefined();
});

test('a snapshot that a kill cut off has failed: no image, and the server is free again', async () => {
  await using killed = await EmulatorRig.open();
  const id = await killed.makeServer('shooter');
  await killed.call('compute', `POST /v2.1/servers/${id}/action`, { createImage: { name: 'shot' } });
  await killed.clock.advance(700);

  await using rig = await afterKillOf(killed);

  expect(await rig.json('image', 'GET /v2/images?name=shot')).toMatchObject({ images: [] });
  expect(await rig.findServer(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null });
});

test('a line that a kill cut in half is forgotten, and the rest is kept', async () => {
  await using killed = await EmulatorRig.open();
  const id = await killed.makeServer('whole');
  await appendFile(join(killed.stateDir, 'journal.jsonl'), '["server","half","{"');

  await using rig = await afterKillOf(killed);

  expect(await rig.findServer(id)).toMatchObject({ name: 'whole' });
  expect(await readFile(join(rig.stateDir, 'journal.jsonl'), 'utf8')).not.toContain('half');
});

test('a server whose machine is lost goes to ERROR, as nothing can be reached there', async () => {
  await using killed = await EmulatorRig.open();
  const id = await killed.makeServer('lost');

  await using rig = await EmulatorRig.open({ from: killed.stateDir, backend: new AmnesiacBackend() });

  expect(await rig.findServer(id)).toMatchObject({ status: 'ERROR', fault: { message: 'The machine is lost' } });
});

test('tokens, key pairs, settings and floating addresses survive, and so do the ports when they are free', async () => {
  const first = await EmulatorRig.open();
  const port = new URL(first.emulator.authUrl).port;
  const { networks } = (await first.json('network', 'GET /v2.0/networks?name=public')) as {
    networks: [{ id: string }];
  };
  const order = { floatingip: { floating_network_id: networks[0].id } };
  await first.call('network', 'POST /v2.0/floatingips', order);
  await first.call('compute', 'POST /v2.1/os-keypairs', { keypair: { name: 'kept' } });
  await first.call('identity', 'PUT /_devfarm/settings', { timings: { buildMs: 7 } });
  await first.emulator.close();

  await using second = await EmulatorRig.open({ from: first.stateDir, options: { ports: { identity: Number(port) } } });

  expect(new URL(second.emulator.authUrl).port).toBe(port);
  const floating = await second.json('network', 'GET /v2.0/floatingips');
  expect(floating).toMatchObject({ floatingips: [{ floating_ip_address: '203.0.113.4', port_id: null }] });
  expect((await second.call('compute', 'GET /v2.1/os-keypairs/kept')).status).toBe(200);
  expect(await second.json('identity', 'GET /_devfarm/settings')).toMatchObject({
    timings: { buildMs: 7, deleteMs: 500 },
  });
});

class AmnesiacBackend extends NoMachinesBackend {
  override adopt(known: readonly KnownServer[]): Promise<ReadonlyMap<string, MachineStatus>> {
    return Promise.resolve(new Map(known.map(({ serverId }) => [serverId, 'missing'])));
  }
}
