import { describe, expect, test } from 'vitest';
import {
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../src/provider/errors.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud, type Reply } from './replay-cloud.ts';

const spec = { name: 'node-1', imageId: 'image-1', minRamMib: 2000, metadata: {} };
const CREATE = 'POST /v2.1/servers';
const GET = 'GET /v2.1/servers/srv-1';
const good: Reply = { json: recorded('server-active') };
const page = '<html><body>502 Bad Gateway</body></html>';

describe('a read', () => {
  test.each([
    ['500', { status: 500, json: { computeFault: { message: 'Unexpected API Error.' } } }],
    ['an HTML page of a proxy with 502', { status: 502, text: page, type: 'text/html' }],
    ['an HTML page with 200', { status: 200, text: page, type: 'text/html' }],
    ['broken JSON', { status: 200, text: '{"server": {"id": "sr' }],
    ['JSON of another shape', { status: 200, json: { server: 'srv-1' } }],
    ['a connection that ends without an answer', { fault: 'cut' }],
    ['a connection that ends in the middle of the body', { ...good, fault: 'cut-body' }],
    ['429', { status: 429, text: 'slow down', type: 'text/plain' }],
    ['413', { status: 413, json: { overLimit: { message: 'This request was rate-limited.' } } }],
  ] as [string, Reply][])('is made again after %s', async (_, fault) => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, fault, good);
    const { provider } = openTestProvider(cloud.url);

    expect((await provider.findServer('srv-1', neverAborted))?.status).toBe('ACTIVE');
    expect(cloud.seen(GET)).toHaveLength(2);
  });

  test('waits as long as the cloud asks before it is made again', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { status: 429, headers: { 'retry-after': '7' } }, good);
    const { provider, clock } = openTestProvider(cloud.url);

    await provider.findServer('srv-1', neverAborted);

    expect(clock.slept).toEqual([7000]);
  });

  test('fails with the wait that the cloud asks for where the deadline is nearer', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { status: 503, headers: { 'retry-after': '120' } });
    const { provider } = openTestProvider(cloud.url);

    const failure = provider.findServer('srv-1', neverAborted);

    await expect(failure).rejects.toBeInstanceOf(TransientProviderError);
    await expect(failure).rejects.toMatchObject({ retryAfterMs: 120_000 });
    expect(cloud.seen(GET)).toHaveLength(1);
  });

  test('waits longer from time to time and gives up within its deadline', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { status: 500 });
    const { provider, clock } = openTestProvider(cloud.url);

    await expect(provider.findServer('srv-1', neverAborted)).rejects.toBeInstanceOf(TransientProviderError);

    expect(clock.slept.slice(0, 6)).toEqual([500, 1000, 2000, 4000, 8000, 10_000]);
    expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(60_000);
  });

  test('is not made again after a refusal', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { status: 403, json: { forbidden: { message: "Policy doesn't allow it." } } });
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.findServer('srv-1', neverAborted)).rejects.toBeInstanceOf(RequestRefusedError);
    expect(cloud.seen(GET)).toHaveLength(1);
  });

  test('ends at its deadline though the cloud never answers', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { fault: 'hang' });
    const clock = new FakeClock();
    const { provider } = openTestProvider(cloud.url, {}, { clock, tasks: new TaskBoard(clock) });
    const failure = expect(provider.findServer('srv-1', neverAborted)).rejects.toBeInstanceOf(DeadlineExceededError);
    await cloud.arrived(GET);

    await clock.advance(60_000);

    await failure;
  });

  test('ends at once when it is aborted', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { fault: 'hang' });
    const { provider } = openTestProvider(cloud.url);
    const abort = new AbortController();
    const failure = expect(provider.findServer('srv-1', abort.signal)).rejects.toThrow('we stop');
    await cloud.arrived(GET);

    abort.abort(new Error('we stop'));

    await failure;
  });
});

describe('a create', () => {
  test.each([
    ['500', { status: 500, json: { computeFault: { message: 'Unexpected API Error.' } } }],
    ['504 of a proxy', { status: 504, text: page, type: 'text/html' }],
    ['an HTML page with 202', { status: 202, text: page, type: 'text/html' }],
    ['an answer without id', { status: 202, json: { server: {} } }],
    ['a connection that ends without an answer', { fault: 'cut' }],
    ['a connection that ends in the middle of the body', { json: recorded('server-created'), fault: 'cut-body' }],
  ] as [string, Reply][])('has an unknown outcome after %s, and is not made again', async (_, fault) => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, fault);
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.createServer(spec, neverAborted)).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(cloud.seen(CREATE)).toHaveLength(1);
  });

  test('has an unknown outcome when the deadline passes after it was sent', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, { fault: 'hang' });
    const clock = new FakeClock();
    const { provider } = openTestProvider(cloud.url, {}, { clock, tasks: new TaskBoard(clock) });
    const failure = expect(provider.createServer(spec, neverAborted)).rejects.toBeInstanceOf(UnknownOutcomeError);
    await cloud.arrived(CREATE);

    await clock.advance(60_000);

    await failure;
  });

  test('that found no room or was refused for rate is known not to be done', async () => {
    await using cloud = await ReplayCloud.start();
    const message = 'Quota exceeded for cores: Requested 1, but already used 1 of 1 cores';
    cloud.on(CREATE, { status: 429 }, { status: 403, json: { forbidden: { message } } });
    const { provider } = openTestProvider(cloud.url);

    const first = provider.createServer(spec, neverAborted);
    await expect(first).rejects.toBeInstanceOf(TransientProviderError);
    await expect(first).rejects.not.toBeInstanceOf(UnknownOutcomeError);
    await expect(provider.createServer(spec, neverAborted)).rejects.toBeInstanceOf(QuotaExceededError);
  });

  test('that could not connect is known not to be done', async () => {
    const cloud = await ReplayCloud.start();
    cloud.on(CREATE, { status: 202, json: recorded('server-created') });
    const { provider } = openTestProvider(cloud.url);
    await provider.createServer(spec, neverAborted); // flavors and the token are known from here on
    await cloud.stop();
    await expect(provider.findServer('srv-1', neverAborted)).rejects.toBeInstanceOf(TransientProviderError);

    const failure = provider.createServer(spec, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(TransientProviderError);
    await expect(failure).rejects.not.toBeInstanceOf(UnknownOutcomeError);
  });
});

describe('a delete', () => {
  test('is made again after a lost answer, for a 404 is success too', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('DELETE /v2.1/servers/srv-1', { fault: 'cut' }, { status: 404 });
    const { provider } = openTestProvider(cloud.url);

    await provider.deleteServer('srv-1', neverAborted);

    expect(cloud.seen('DELETE /v2.1/servers/srv-1')).toHaveLength(2);
  });
});

describe('connections', () => {
  test('are reused from call to call', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, good);
    const { provider } = openTestProvider(cloud.url);

    for (let n = 0; n < 20; n += 1) await provider.findServer('srv-1', neverAborted);

    expect(cloud.connections).toBeLessThan(3);
  });

  test('a closed provider sends nothing', async () => {
    await using cloud = await ReplayCloud.start();
    const { provider } = openTestProvider(cloud.url);
    await provider.close();

    await expect(provider.findServer('srv-1', neverAborted)).rejects.toThrow('is closed');
    expect(cloud.requests).toEqual([]);
  });

  test('an answer without end is cut off', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { text: ' '.repeat(65 * 1024 * 1024) }, good);
    const { provider } = openTestProvider(cloud.url);

    expect((await provider.findServer('srv-1', neverAborted))?.status).toBe('ACTIVE');
    expect(cloud.seen(GET)).toHaveLength(2);
  });
});

describe('what operators see', () => {
  test('a debug line per request, without any secret', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, { status: 202, json: recorded('server-created') });
    const { provider, log } = openTestProvider(cloud.url);

    await provider.createServer({ ...spec, userData: 'user data' }, neverAborted);

    expect(log.messages('debug')).toEqual(['POST /v3/auth/tokens', 'GET /v2.1/flavors/detail', 'POST /v2.1/servers']);
    expect(log.entries.at(-1)?.facts).toEqual({ status: 202, ms: 0, request: 'req-1' });
    expect(JSON.stringify(log.entries)).not.toMatch(/token-1|the password|ADMINPASS|user.data|dXNlciBkYXRh/);
  });

  test('a metric per request, with its failures', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { status: 500 }, good);
    const { provider, calls } = openTestProvider(cloud.url);

    await provider.findServer('srv-1', neverAborted);

    expect(calls).toEqual([
      { name: 'ServerGet', ms: 0, failed: true },
      { name: 'ServerGet', ms: 0, failed: false },
    ]);
  });
});
