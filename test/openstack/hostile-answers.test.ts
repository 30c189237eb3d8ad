import { describe, expect, test } from 'vitest';
import { RequestRefusedError, TransientProviderError, UnknownOutcomeError } from '../../src/provider/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud, type Reply } from './replay-cloud.ts';

const LIST = 'GET /v2.1/servers/detail';
const CREATE = 'POST /v2.1/servers';
const SPEC = { name: 'n', imageId: 'i', minRamMib: 1, metadata: {} };
const SERVER = recorded('server-active') as { readonly server: Readonly<Record<string, unknown>> };

describe('a list of servers', () => {
  test('whose pages lead to each other is given up at the first that brings nothing new', async () => {
    await using cloud = await ReplayCloud.start();
    const page = { servers: [SERVER.server], servers_links: [{ rel: 'next', href: 'http://x/?marker=1' }] };
    cloud.on(LIST, { json: page });
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.listServers(neverAborted)).rejects.toThrow('its pages repeat themselves');
    expect(cloud.seen(LIST).length).toBeLessThan(100); // each try reads two
  });

  test('of a million odd items is refused with one line', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LIST, { text: `{"servers":[${'{},'.repeat(1_000_000)}{}]}` });
    const { provider } = openTestProvider(cloud.url, { apiTimeoutMs: 1 });

    const error: unknown = await provider.listServers(neverAborted).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(TransientProviderError);
    expect(String(error).length).toBeLessThan(500);
  });

  test('with a server that was made at no time shows it as old, for ages are compared', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LIST, { json: { servers: [{ ...SERVER.server, created: 'yesterday' }] } });
    const { provider } = openTestProvider(cloud.url);

    const [server] = await provider.listServers(neverAborted);

    expect(server?.createdAt).toEqual(new Date(0));
  });
});

test('a catalogue with an address that is none is told, and is no bug of ours', async () => {
  await using cloud = await ReplayCloud.start();
  const login = cloud.login('t');
  const text = JSON.stringify(login.json).replaceAll(/http:[^"]*/g, 'http://[');
  cloud.on('POST /v3/auth/tokens', { ...login, json: JSON.parse(text) });
  const { provider } = openTestProvider(cloud.url);

  await expect(provider.listServers(neverAborted)).rejects.toThrow(RequestRefusedError);
});

describe('an error page that gives back the request', () => {
  const echo = 'You sent {"password": "the password"} and X-Auth-Token: token-1';
  const pages: readonly (readonly [string, Reply])[] = [
    ['as JSON', { status: 400, json: { badRequest: { message: echo } } }],
    ['as HTML', { status: 500, text: `<html><body>${echo}</body></html>`, type: 'text/html' }],
    ['in the request id', { status: 403, json: {}, headers: { 'x-openstack-request-id': echo } }],
    ['with a good status', { status: 202, text: echo, type: `text/plain; ${echo}` }],
  ];

  test.each(pages)('%s does not show the token', async (_, reply) => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, reply);
    const { provider, log } = openTestProvider(cloud.url);

    const error: unknown = await provider.createServer(SPEC, neverAborted).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(
      reply.status === 400 || reply.status === 403 ? RequestRefusedError : UnknownOutcomeError,
    );
    expect(`${String(error)} ${JSON.stringify(log.entries)}`).not.toContain('token-1');
  });

  test.each(pages)('%s does not show the password', async (_, reply) => {
    await using cloud = await ReplayCloud.start();
    cloud.on('POST /v3/auth/tokens', reply);
    const { provider, log } = openTestProvider(cloud.url, { apiTimeoutMs: 1 });

    const error: unknown = await provider.createServer(SPEC, neverAborted).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(Error);
    expect(`${String(error)} ${JSON.stringify(log.entries)}`).not.toContain('the password');
  });
});

test('names and ids of any kind stay one part of the path', async () => {
  await using cloud = await ReplayCloud.start();
  const { provider } = openTestProvider(cloud.url);

  for (const id of ['../flavors', 'a/b?c#d', 'x%2Fy', ' \r\n']) {
    await provider.findServer(id, neverAborted);
    await provider.deleteKeypair(id, neverAborted);
    expect(cloud.requests.at(-2)?.line).toBe(`GET /v2.1/servers/${encodeURIComponent(id)}`);
    expect(cloud.requests.at(-1)?.line).toBe(`DELETE /v2.1/os-keypairs/${encodeURIComponent(id)}`);
  }
});
