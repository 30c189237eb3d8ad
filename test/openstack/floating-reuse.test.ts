import { describe, expect, test } from 'vitest';
import type { FloatingClaim, ReachableAddresses } from '../../src/provider/cloud-provider.ts';
import type { CloudConfig } from '../../src/config/config.ts';
import { floatingNote } from '../../src/provider/floating-note.ts';
import { aServer } from '../fakes/fake-cloud.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { aCloud } from './a-provider.ts';
import { openTestProvider, type TestProvider } from './open-test-provider.ts';
import { ReplayCloud, type Reply } from './replay-cloud.ts';

const INSTALLATION = '11111111-1111-4111-8111-111111111111';
const PUBLIC = '3b298301-cc5a-4a4f-9a3b-bece6067cf06';
const LIST = 'GET /v2.0/floatingips';
const EXTENSION = 'GET /v2.0/extensions/revision-if-match';
const OURS = noteOf(7);

const SERVER = aServer('server-7', {
  name: 'node-7',
  addresses: [{ network: 'private', ip: '10.0.0.7', version: 4, kind: 'fixed' }],
});

function noteOf(id: number): string {
  return floatingNote({ kind: 'node', id, installation: INSTALLATION });
}

function body(id: string, facts: object = {}): object {
  return {
    ...{ id, floating_ip_address: `203.0.113.${id}`, port_id: null, description: noteOf(Number(id)) },
    ...{ floating_network_id: PUBLIC, revision_number: 4 },
    ...facts,
  };
}

function taken(id: string): Reply {
  return { json: { floatingip: body(id, { port_id: 'port-7', description: OURS, revision_number: 5 }) } };
}

const CHANGED: Reply = { status: 412, json: { NeutronError: { type: 'RevisionNumberConstraintFailed', message: '' } } };

/** A cloud with these addresses, which compares revisions, and whose server 7 has none of them. */
async function startCloud(...addresses: readonly object[]): Promise<ReplayCloud> {
  const cloud = await ReplayCloud.start();
  const port = { id: 'port-7', fixed_ips: [{ ip_address: '10.0.0.7' }] };
  cloud.on('GET /v2.0/ports', { json: { ports: [port] } });
  cloud.on(LIST, { json: { floatingips: addresses } });
  cloud.on(`${LIST}?description=${encodeURIComponent(OURS)}`, { json: { floatingips: [] } });
  cloud.on(EXTENSION, { json: { extension: { alias: 'revision-if-match' } } });
  cloud.on('POST /v2.0/floatingips', { status: 201, json: { floatingip: body('99', { port_id: 'port-7' }) } });
  return cloud;
}

function makeReachable({ provider }: TestProvider, claim: Partial<FloatingClaim> = {}): Promise<ReachableAddresses> {
  const mayReuse = (note: string): Promise<boolean> => Promise.resolve(note !== noteOf(1));
  return provider.makeReachable(SERVER, { note: OURS, mayReuse, ...claim }, neverAborted);
}

describe('a freed floating address', () => {
  test('is used again: note and port in one call, which counts only while nobody changed it', async () => {
    await using cloud = await startCloud(body('3'));
    cloud.on('PUT /v2.0/floatingips/3', taken('3'));
    const opened = openTestProvider(cloud.url);

    const addresses = await makeReachable(opened);

    expect(addresses).toEqual({ public: '203.0.113.3', private: '10.0.0.7' });
    const [put] = cloud.seen('PUT /v2.0/floatingips/3');
    expect(put?.headers['if-match']).toBe('revision_number=4');
    expect(put?.body).toEqual({ floatingip: { description: OURS, port_id: 'port-7' } });
    expect(cloud.seen('POST /v2.0/floatingips')).toEqual([]);
    expect(opened.log.messages('info')).toEqual(['Floating IP 203.0.113.3 of wmf is used again, for node-7']);
  });

  test.each<[string, object]>([
    ['bound', body('3', { port_id: 'another' })],
    ["somebody's, without a note", body('3', { description: '' })],
    ["somebody's, with a note of his own", body('3', { description: 'web server' })],
    ['of a network that new ones do not come from', body('3', { floating_network_id: 'another' })],
    ['without a revision', body('3', { revision_number: null })],
    ['of a node that is there', body('1')],
  ])('that is %s is left alone, and a new one is made', async (_, address) => {
    await using cloud = await startCloud(address);

    expect((await makeReachable(openTestProvider(cloud.url))).public).toBe('203.0.113.99');
  });

  test.each<[string, Reply]>([
    ['does not know revisions', { status: 404, json: {} }],
    ['does not tell', { status: 403, json: {} }],
  ])('is not used in a cloud that %s: two daemons could take the same', async (_, answer) => {
    await using cloud = await startCloud(body('3'));
    cloud.on(EXTENSION, answer);

    expect((await makeReachable(openTestProvider(cloud.url))).public).toBe('203.0.113.99');
  });

  test('is not looked for by who may not use one', async () => {
    await using cloud = await startCloud(body('3'));
    const { provider } = openTestProvider(cloud.url);

    await provider.makeReachable(SERVER, { note: OURS }, neverAborted);

    expect(cloud.seen(LIST)).toHaveLength(1);
  });

  test.each<[string, Reply]>([
    ['another daemon was faster', CHANGED],
    ['it is gone', { status: 404, json: {} }],
    ['the cloud took no note of ours', { json: { floatingip: body('3', { port_id: 'another' }) } }],
  ])('makes room for the next one where %s', async (_, answer) => {
    await using cloud = await startCloud(body('3'), body('4'));
    cloud.on('PUT /v2.0/floatingips/3', answer);
    cloud.on('PUT /v2.0/floatingips/4', taken('4'));

    expect((await makeReachable(openTestProvider(cloud.url))).public).toBe('203.0.113.4');
  });

  test('is found by its note where the answer was lost, and not taken twice', async () => {
    await using cloud = await startCloud(body('3'), body('4'));
    cloud.on('PUT /v2.0/floatingips/3', { fault: 'cut' });
    const bound = body('3', { description: OURS, port_id: 'port-7', port_details: { device_id: 'server-7' } });
    cloud.on(
      `${LIST}?description=${encodeURIComponent(OURS)}`,
      { json: { floatingips: [] } },
      { json: { floatingips: [bound] } },
    );

    expect((await makeReachable(openTestProvider(cloud.url))).public).toBe('203.0.113.3');
    expect(cloud.seen('PUT /v2.0/floatingips/4')).toEqual([]);
  });

  test('is given to one of many launches: the list is read once in a minute, and each of it offered once', async () => {
    await using cloud = await startCloud(body('3'));
    cloud.on('PUT /v2.0/floatingips/3', taken('3'));
    const opened = openTestProvider(cloud.url);

    const given = await Promise.all([1, 2, 3].map(() => makeReachable(opened)));
    opened.clock.advance(60_000);
    cloud.on(LIST, { json: { floatingips: [] } });
    await makeReachable(opened);

    expect(given.map(({ public: ip }) => ip).sort()).toEqual(['203.0.113.3', '203.0.113.99', '203.0.113.99']);
    expect(cloud.seen(LIST).filter(({ query }) => query === 'limit=1000')).toHaveLength(2);
  });

  test('costs no launch where the list cannot be read', async () => {
    await using cloud = await startCloud();
    cloud.on(LIST, { status: 400, json: {} });

    expect((await makeReachable(openTestProvider(cloud.url))).public).toBe('203.0.113.99');
  });
});

describe('deleting a floating address', () => {
  test('counts only while it is as it was listed, so that none is taken from a node that uses it again', async () => {
    await using cloud = await startCloud(body('3'));
    cloud.on('DELETE /v2.0/floatingips/3', CHANGED, { status: 204, text: '' });
    const { provider } = openTestProvider(cloud.url);
    const [listed] = await provider.listFloatingIps(neverAborted);

    const outcomes = [
      await provider.deleteFloatingIp(listed ?? { id: '' }, neverAborted),
      await provider.deleteFloatingIp(listed ?? { id: '' }, neverAborted),
    ];

    expect(outcomes).toEqual(['changed', 'gone']);
    const [first] = cloud.seen('DELETE /v2.0/floatingips/3');
    expect(first?.headers['if-match']).toBe('revision_number=4');
  });

  test('asks for no revision where the cloud does not compare them: it would refuse', async () => {
    await using cloud = await startCloud();
    cloud.on(EXTENSION, { status: 404, json: {} });
    cloud.on('DELETE /v2.0/floatingips/3', { status: 204, text: '' });
    const { provider } = openTestProvider(cloud.url);

    await provider.deleteFloatingIp({ id: '3', revision: 4 }, neverAborted);

    expect(cloud.seen('DELETE /v2.0/floatingips/3')[0]?.headers['if-match']).toBeUndefined();
  });
});

test.each<[string, Partial<CloudConfig>]>([
  ['private', { private: true }],
  ['one without floating addresses', { floatingIpSource: 'none' }],
])('what was taken before a cloud was called %s is listed and given back', async (_, facts) => {
  await using cloud = await startCloud(body('7', { description: OURS }));
  cloud.on(`${LIST}?description=${encodeURIComponent(OURS)}`, { json: { floatingips: [body('7')] } });
  cloud.on('DELETE /v2.0/floatingips/7', { status: 204, text: '' });
  const { provider } = openTestProvider(cloud.url, { cloud: { ...aCloud(cloud.url), ...facts } });

  const addresses = await provider.makeReachable(SERVER, { note: OURS }, neverAborted);
  const listed = await provider.listFloatingIps(neverAborted);
  await provider.releaseFloatingIps({ note: OURS }, neverAborted);

  expect(addresses).toEqual(provider.addressesOf(SERVER));
  expect(listed).toMatchObject([{ id: '7', note: OURS }]);
  expect(cloud.seen('DELETE /v2.0/floatingips/7')).toHaveLength(1);
  expect(cloud.seen('POST /v2.0/floatingips')).toEqual([]);
});
