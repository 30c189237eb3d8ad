import { expect, test } from 'vitest';
import { CredentialsRefusedError, TransientProviderError, UnknownOutcomeError } from '../../src/provider/errors.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { type Exchange, recorded } from '../fakes/recorded-jenkins.ts';
import { agentsUnderTest } from './agents-under-test.ts';

const POST = 'POST /computer/n12/changeOfflineCause';
const ISSUER = 'GET /crumbIssuer/api/json';
const NO_CRUMB = { to: POST, with: recorded('13-crumbs', 'password, nothing else') };
const DONE = { to: POST, with: recorded('12-change-offline-cause', 'online agent') };
const FETCHED = { to: ISSUER, with: recorded('13-crumbs', 'fetch with the password') };
const FETCHED_AGAIN = { to: ISSUER, with: recorded('13-crumbs', 'fetch again') };

const CUT = { to: 'GET /computer/api/json', with: 'cut' } as const;

const withPassword = { secret: 'PASSWORD' } as const;

function page(status: number, title: string, headers: Readonly<Record<string, string>> = {}): Exchange {
  return {
    ...recorded('01-auth-and-reads', 'nonexistent node'),
    status,
    headers: { 'content-type': 'text/html', ...headers },
    body: `<html><head><title>${title}</title></head></html>`,
  };
}

test('a POST goes without a crumb first, for an API token needs none', async () => {
  await using ci = await agentsUnderTest([DONE]);

  expect(await ci.agents.setOffline('n12', 'drain', neverAborted)).toBe(true);
  expect(ci.jenkins.requestHeaders[0]).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded' });
  expect(ci.jenkins.requestHeaders[0]).not.toHaveProperty('jenkins-crumb');
  expect(ci.jenkins.bodies).toEqual(['']);
});

test('with a password the crumb and the cookie of its session are fetched once and used again', async () => {
  await using ci = await agentsUnderTest([NO_CRUMB, FETCHED, DONE, DONE], withPassword);

  await ci.agents.setOffline('n12', 'drain', neverAborted);
  await ci.agents.setOffline('n12', 'drain', neverAborted);

  expect(ci.jenkins.complaints).toEqual([]);
  for (const headers of ci.jenkins.requestHeaders.slice(2)) {
    expect(headers).toMatchObject({ 'jenkins-crumb': '<CRUMB1>', cookie: 'JSESSIONID=<COOKIE>' });
    expect(headers.authorization).toBeDefined();
  }
});

test('a crumb that a restart of Jenkins made stale is replaced', async () => {
  const stale = { to: POST, with: recorded('13-crumbs', 'stale crumb + stale cookie') };
  await using ci = await agentsUnderTest([NO_CRUMB, FETCHED, DONE, stale, FETCHED_AGAIN, DONE], withPassword);

  await ci.agents.setOffline('n12', 'drain', neverAborted);
  expect(await ci.agents.setOffline('n12', 'drain', neverAborted)).toBe(true);

  expect(ci.jenkins.requestHeaders[5]).toMatchObject({ 'jenkins-crumb': '<CRUMB5>' });
});

test('calls at the same time share one crumb', async () => {
  await using ci = await agentsUnderTest([NO_CRUMB, NO_CRUMB, FETCHED, DONE, DONE], withPassword);

  const calls = ['a', 'b'].map((reason) => ci.agents.setOffline('n12', reason, neverAborted));

  expect(await Promise.all(calls)).toEqual([true, true]);
  expect(ci.jenkins.requests.filter((line) => line === ISSUER)).toHaveLength(1);
});

test('a second 403 is final: permission or crumb', async () => {
  await using ci = await agentsUnderTest([NO_CRUMB, FETCHED, NO_CRUMB], withPassword);

  const call = ci.agents.setOffline('n12', 'drain', neverAborted);

  await expect(call).rejects.toThrow(CredentialsRefusedError);
  await expect(call).rejects.toThrow('permission or crumb');
  expect(ci.jenkins.unused).toBe(0);
});

test('a 403 for a crumb without an issuer is final', async () => {
  await using ci = await agentsUnderTest(
    [NO_CRUMB, { to: ISSUER, with: recorded('13-crumbs', 'the issuer') }],
    withPassword,
  );

  await expect(ci.agents.setOffline('n12', 'drain', neverAborted)).rejects.toThrow(CredentialsRefusedError);
});

test('a refused password is told as such', async () => {
  const refused = recorded('01-auth-and-reads', 'bad password');
  await using ci = await agentsUnderTest([{ to: 'GET /computer/api/json', with: refused }], { secret: 'WRONG' });

  const call = ci.agents.list(neverAborted);

  await expect(call).rejects.toThrow(CredentialsRefusedError);
  await expect(call).rejects.toThrow('Invalid password/token for user: jenkins');
});

test('a redirect to a log-in page is no success, though its status is that of one', async () => {
  const login = page(302, '', { location: 'https://ci.example.org/login?from=%2F' });
  await using ci = await agentsUnderTest([{ to: POST, with: login }]);

  await expect(ci.agents.setOffline('n12', 'drain', neverAborted)).rejects.toThrow(CredentialsRefusedError);
});

test('an HTML page in the place of JSON is a passing failure: proxies and a starting Jenkins send them', async () => {
  const list = 'GET /computer/api/json';
  await using ci = await agentsUnderTest([
    { to: list, with: page(200, 'Welcome') },
    { to: list, with: page(503, 'Starting Jenkins') },
    { to: list, with: { ...page(200, ''), headers: { 'content-type': 'application/json' }, body: '{"computer":' } },
    { to: list, with: page(429, 'Slow down', { 'retry-after': '7' }) },
  ]);

  await expect(ci.agents.list(neverAborted)).rejects.toThrow('it is text/html');
  await expect(ci.agents.list(neverAborted)).rejects.toThrow('503 (Starting Jenkins)');
  await expect(ci.agents.list(neverAborted)).rejects.toThrow(TransientProviderError);
  await expect(ci.agents.list(neverAborted)).rejects.toMatchObject({ retryAfterMs: 7000 });
});

test('the prefix of the manager is kept, and a blank in a name is %20', async () => {
  const read = recorded('14-names-labels-fields', 'offline');
  const to = 'POST /ci/computer/n14%20round%20trip/changeOfflineCause?offlineMessage=x';
  await using ci = await agentsUnderTest([{ to, with: read }], { prefix: '/ci/' });

  expect(await ci.agents.setOffline('n14 round trip', 'x', neverAborted)).toBe(true);
  expect(ci.jenkins.requests).toEqual([to]);
});

test('a Jenkins that refuses the connection surely did nothing', async () => {
  const ci = await agentsUnderTest([]);
  await ci.jenkins[Symbol.asyncDispose]();

  const call = ci.agents.setOffline('n12', 'drain', neverAborted);

  await expect(call).rejects.toThrow(TransientProviderError);
  await expect(call).rejects.not.toThrow(UnknownOutcomeError);
  await ci.agents.close();
});

test('a POST without an answer for 30 s has an unknown outcome; a read has none', async () => {
  const clock = new FakeClock();
  await using ci = await agentsUnderTest(
    [
      { to: POST, with: 'hang' },
      { to: 'GET /computer/api/json', with: 'hang' },
    ],
    { clock },
  );

  const post = ci.agents.setOffline('n12', 'drain', neverAborted);
  const posted = expect(post).rejects.toThrow(UnknownOutcomeError);
  await ci.jenkins.untilRequests(1);
  await clock.advance(30_000);
  await posted;
  const read = ci.agents.list(neverAborted);
  const isRead = expect(read).rejects.toMatchObject({ name: 'TransientProviderError' });
  await ci.jenkins.untilRequests(2);
  await clock.advance(30_000);
  await isRead;
});

test('an aborted call ends with the reason it was aborted for', async () => {
  const stop = new AbortController();
  await using ci = await agentsUnderTest([{ to: 'GET /computer/api/json', with: 'hang' }]);

  const call = ci.agents.list(stop.signal);
  await ci.jenkins.untilRequests(1);
  stop.abort(new Error('Shutting down'));

  await expect(call).rejects.toThrow('Shutting down');
});

test('secrets are in no error', async () => {
  await using ci = await agentsUnderTest([CUT, CUT], withPassword);

  const error = await ci.agents.list(neverAborted).catch((thrown: unknown) => thrown);

  expect(JSON.stringify([String(error), error])).not.toMatch(/password|cGFzc3dvcmQ/);
});
