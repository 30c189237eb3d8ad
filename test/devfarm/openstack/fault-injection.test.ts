import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EmulatorRig } from './emulator-rig.ts';

const ON_CREATE = { service: 'compute', method: 'POST', path: '/servers$' };

test('a status takes the form of the service that gives it, so that clients read it as the real one', async () => {
  await using rig = await EmulatorRig.open();
  await rig.addFault({ match: { path: '/servers$' }, effect: { status: 403, message: 'Quota exceeded for cores' } });
  await rig.addFault({ match: { path: '/networks$' }, effect: { status: 503, headers: { 'retry-after': '7' } } });

  const compute = await rig.call('compute', 'GET /v2.1/servers');
  const network = await rig.call('network', 'GET /v2.0/networks');

  expect(compute.json).toEqual({ forbidden: { code: 403, message: 'Quota exceeded for cores' } });
  expect(network.json).toMatchObject({ NeutronError: { type: 'HTTPServiceUnavailable' } });
  expect([network.status, network.headers['retry-after']]).toEqual([503, '7']);
});

test('a body is sent word for word, for what proxies in front of a cloud say', async () => {
  await using rig = await EmulatorRig.open();
  await rig.addFault({
    effect: { status: 502, body: '<html>Bad Gateway</html>', headers: { 'content-type': 'text/html' } },
  });

  const answer = await rig.call('compute', 'GET /v2.1/servers');

  expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([
    502,
    '<html>Bad Gateway</html>',
    'text/html',
  ]);
});

test('nth, count and name choose the requests that a rule strikes', async () => {
  await using rig = await EmulatorRig.open();
  await rig.addFault({ id: 'second', match: { path: '/flavors$' }, nth: 2, effect: { status: 500 } });
  await rig.addFault({ id: 'once', match: { path: '/limits$' }, count: 1, effect: { status: 429 } });
  await rig.addFault({ id: 'named', match: { ...ON_CREATE, name: '^bad' }, effect: { status: 409 } });

  const statuses = async (line: string, times: number): Promise<number[]> => {
    const found: number[] = [];
    for (let time = 0; time < times; time += 1) found.push((await rig.call('compute', line)).status);
    return found;
  };

  expect(await statuses('GET /v2.1/flavors', 3)).toEqual([200, 500, 200]);
  expect(await statuses('GET /v2.1/limits', 3)).toEqual([429, 200, 200]);
  expect((await rig.call('compute', 'POST /v2.1/servers', await rig.serverBody('bad-1'))).status).toBe(409);
  expect((await rig.call('compute', 'POST /v2.1/servers', await rig.serverBody('good'))).status).toBe(202);
  const { rules } = await rig.json('identity', 'GET /_devfarm/faults');
  expect(rules).toMatchObject([
    { id: 'second', matched: 3, applied: 1 },
    { id: 'once', matched: 3, applied: 1 },
    { id: 'named', matched: 1, applied: 1 },
  ]);
});

test('a lost response leaves a server that the client does not know of', async () => {
  await using rig = await EmulatorRig.open();
  const body = await rig.serverBody('lost');
  await rig.addFault({ match: ON_CREATE, effect: { cut: 'after' } });

  await expect(rig.call('compute', 'POST /v2.1/servers', body)).rejects.toThrow(/other side closed|ECONNRESET|socket/i);

  expect(await rig.json('compute', 'GET /v2.1/servers')).toMatchObject({ servers: [{ name: 'lost' }] });
});

test('a connection that is cut before leaves nothing', async () => {
  await using rig = await EmulatorRig.open();
  const body = await rig.serverBody('never');
  await rig.addFault({ match: ON_CREATE, effect: { cut: 'before' } });

  await expect(rig.call('compute', 'POST /v2.1/servers', body)).rejects.toThrow();

  expect(await rig.json('compute', 'GET /v2.1/servers')).toEqual({ servers: [] });
});

test('a request that hangs is answered by nobody, and the emulator can still close', async () => {
  const rig = await EmulatorRig.open();
  await rig.addFault({ match: { path: '/limits$' }, effect: { hang: 'before' } });
  const hanging = rig.call('compute', 'GET /v2.1/limits').catch((error: unknown) => error);
  await rig.call('compute', 'GET /v2.1/flavors');

  await rig[Symbol.asyncDispose]();

  expect(await hanging).toBeInstanceOf(Error);
});

test('a delay passes on the clock, before the request is carried out', async () => {
  await using rig = await EmulatorRig.open();
  await rig.addFault({ match: { path: '/limits$' }, effect: { delayMs: 5000 } });
  const slow = rig.call('compute', 'GET /v2.1/limits');

  await rig.clock.untilSleeping();
  await rig.clock.advance(5000);

  expect((await slow).status).toBe(200);
});

test('a server can be made to fail in the words given, by name', async () => {
  await using rig = await EmulatorRig.open();
  await rig.addFault({
    match: { ...ON_CREATE, name: 'doomed' },
    effect: { buildFails: 'No room', buildFailsBy: 'abort' },
  });
  const [doomed, other] = [await rig.createServer('doomed'), await rig.createServer('other')];

  await rig.clock.advance(1000);

  const fault = { code: 500, message: `Build of instance ${doomed} aborted: No room` };
  expect(await rig.findServer(doomed)).toMatchObject({ status: 'ERROR', fault });
  expect(await rig.findServer(other)).toMatchObject({ status: 'ACTIVE' });
});

test('a burst over the quota is accepted and goes to ERROR when it is scheduled, as Nova counts again then', async () => {
  await using rig = await EmulatorRig.open();
  await rig.addFault({ match: ON_CREATE, count: 1, effect: { buildFailsBy: 'quota' } });
  const [late, next] = [await rig.createServer('late'), await rig.createServer('next')];

  await rig.clock.advance(1000);

  const message = 'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances';
  expect(await rig.findServer(late)).toMatchObject({ status: 'ERROR', fault: { code: 413, message }, hostId: '' });
  expect(await rig.findServer(next)).toMatchObject({ status: 'ACTIVE' });
});

test('a delete that never deletes is stuck in deleting until one is asked for that may', async () => {
  await using rig = await EmulatorRig.open();
  const id = await rig.makeServer('stuck');
  await rig.addFault({ match: { method: 'DELETE' }, count: 1, effect: { deleteNever: true } });

  expect((await rig.call('compute', `DELETE /v2.1/servers/${id}`)).status).toBe(204);
  await rig.clock.advance(3_600_000);
  await rig.login();

  expect(await rig.findServer(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': 'deleting' });
  await rig.call('compute', `DELETE /v2.1/servers/${id}`);
  await rig.clock.advance(1000);
  expect(await rig.findServer(id)).toBeUndefined();
});

test('a server can go and leave its port behind, as when Neutron did not answer Nova', async () => {
  await using rig = await EmulatorRig.open();
  const id = await rig.makeServer('untidy');
  await rig.addFault({ match: { method: 'DELETE', path: '/servers/' }, effect: { portsStay: true } });

  await rig.call('compute', `DELETE /v2.1/servers/${id}`);
  await rig.clock.advance(5000);

  const list = `GET /v2.0/ports?device_id=${id}`;
  expect(await rig.findServer(id)).toBeUndefined();
  const { ports } = (await rig.json('network', list)) as { ports: { id: string }[] };
  expect(ports).toMatchObject([
    { device_id: id, status: 'DOWN', device_owner: expect.stringMatching(/^compute:/) as unknown },
  ]);
  expect((await rig.call('network', `DELETE /v2.0/ports/${ports[0]?.id ?? ''}`)).status).toBe(204);
  expect(await rig.json('network', list)).toEqual({ ports: [] });
});

test('a list can leave servers out that are there, as a cell that is down does', async () => {
  await using rig = await EmulatorRig.open();
  const id = await rig.makeServer('hidden-1');
  await rig.addFault({ match: { path: '/servers/detail$' }, effect: { omitNames: '^hidden' } });

  expect(await rig.json('compute', 'GET /v2.1/servers/detail')).toEqual({ servers: [] });
  expect(await rig.findServer(id)).toMatchObject({ name: 'hidden-1' });
});

test('a snapshot can vanish after it was complete', async () => {
  await using rig = await EmulatorRig.open();
  const id = await rig.makeServer('shooter');
  await rig.addFault({ match: { action: 'createImage' }, effect: { imageVanishesAfterMs: 5000 } });
  const answer = await rig.call('compute', `POST /v2.1/servers/${id}/action`, { createImage: { name: 'shot' } });
  const image = `GET /v2/images/${String(answer.headers['location']?.split('/').at(-1))}`;

  await rig.clock.advance(4000);
  expect(await rig.json('image', image)).toMatchObject({ status: 'active' });
  await rig.clock.advance(1000);
  expect((await rig.call('image', image)).status).toBe(404);
});

test('rules are read again when the file was edited, and a broken file keeps the old ones', async () => {
  await using rig = await EmulatorRig.open();
  const file = join(rig.stateDir, 'faults.json');

  await writeFile(file, JSON.stringify([{ match: { path: '/limits$' }, effect: { status: 500 } }]));
  expect((await rig.call('compute', 'GET /v2.1/limits')).status).toBe(500);
  await writeFile(file, '[{"effect": {"sta');
  expect((await rig.call('compute', 'GET /v2.1/limits')).status).toBe(500);
  await rig.call('identity', 'DELETE /_devfarm/faults');
  expect((await rig.call('compute', 'GET /v2.1/limits')).status).toBe(200);
});

test('a rule with a misspelt effect is refused, so that no test passes for want of its fault', async () => {
  await using rig = await EmulatorRig.open();

  const answer = await rig.call('identity', 'POST /_devfarm/faults', { effect: { statos: 500 } });

  expect(answer.status).toBe(400);
  expect(answer.text).toContain('statos');
});
