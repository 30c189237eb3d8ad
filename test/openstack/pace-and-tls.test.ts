import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CloudConfig } from '../../src/config/config.ts';
import { RequestRefusedError } from '../../src/provider/errors.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { aCloud } from './a-provider.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud } from './replay-cloud.ts';

const GET = 'GET /v2.1/servers/srv-1';
const CACERT = fileURLToPath(new URL('../fixtures/openstack/tls/cert.pem', import.meta.url));

describe('the pace', () => {
  const callThrice = async (minRequestGapMs: number): Promise<HastyClock> => {
    await using cloud = await ReplayCloud.start();
    cloud.on(GET, { json: recorded('server-active') });
    const clock = new HastyClock();
    const { provider } = openTestProvider(cloud.url, { minRequestGapMs }, { clock });
    await Promise.all([1, 2, 3].map(() => provider.findServer('srv-1', neverAborted)));
    return clock;
  };

  test('keeps the starts of calls apart', async () => {
    const clock = await callThrice(8000);

    expect(clock.slept).toEqual([8000, 8000]);
  });

  test('of 0.001 s means no limit and sets no timer', async () => {
    const clock = await callThrice(1);

    expect(clock.slept).toEqual([]);
  });
});

/** A Keystone behind HTTPS whose certificate signs itself; it answers every request with 401. */
async function startTlsKeystone(): Promise<string> {
  const key = readFileSync(new URL('../fixtures/openstack/tls/key.pem', import.meta.url));
  const server = createServer({ key, cert: readFileSync(CACERT) }, (_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error": {"message": "who are you"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('certificates', () => {
  test.each([
    ['an unknown authority is refused, and not asked again and again', {}, 'certificate is not trusted'],
    ['the authority of cacert is trusted', { cacert: CACERT }, 'who are you'],
    ['verify: false trusts all', { verify: false }, 'who are you'],
    ['a missing cacert file is named', { cacert: '/missing.pem' }, 'Cannot read cacert "/missing.pem"'],
  ] as [string, Partial<CloudConfig>, string][])('%s', async (_, facts, message) => {
    const url = await startTlsKeystone();
    const { provider, clock } = openTestProvider(url, { cloud: aCloud(url, facts) });

    await expect(provider.readLimits(neverAborted)).rejects.toThrow(message);
    expect(clock.slept).toEqual([]);
  });

  test('an untrusted certificate is for an operator to mend', async () => {
    const url = await startTlsKeystone();
    const { provider } = openTestProvider(url);

    await expect(provider.readLimits(neverAborted)).rejects.toBeInstanceOf(RequestRefusedError);
  });
});
