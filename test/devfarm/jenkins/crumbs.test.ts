import { expect, test } from 'vitest';
import { StandInBench } from './stand-in-bench.ts';

const POST = 'POST /cancelQuietDown';
const ISSUER = 'GET /crumbIssuer/api/json';

const password = { authorization: `Basic ${Buffer.from('jenkins:password').toString('base64')}` };

type Pair = { readonly 'Jenkins-Crumb': string; readonly cookie: string };

async function fetchPair(jenkins: StandInBench, headers: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const reply = await jenkins.call(ISSUER, { headers: { ...password, ...headers } });
  const { crumb } = JSON.parse(reply.text) as { crumb: string };
  return {
    'Jenkins-Crumb': crumb,
    cookie: String(reply.headers['set-cookie'] ?? headers['cookie']).split(';', 1)[0] ?? '',
  };
}

async function statusOf(jenkins: StandInBench, headers: Readonly<Record<string, string>>): Promise<number> {
  return (await jenkins.call(POST, { headers: { ...password, ...headers } })).status;
}

test('a password needs the crumb and the cookie of its session, any number of times', async () => {
  await using jenkins = await StandInBench.start();
  const pair = await fetchPair(jenkins);
  const other = await fetchPair(jenkins);

  expect(await statusOf(jenkins, pair)).toBe(302);
  expect(await statusOf(jenkins, pair)).toBe(302);
  expect(await statusOf(jenkins, {})).toBe(403);
  expect(await statusOf(jenkins, { cookie: pair.cookie })).toBe(403);
  expect(await statusOf(jenkins, { 'Jenkins-Crumb': pair['Jenkins-Crumb'] })).toBe(403);
  expect(await statusOf(jenkins, { ...pair, cookie: other.cookie })).toBe(403);
  expect(await statusOf(jenkins, { ...pair, 'Jenkins-Crumb': '0'.repeat(64) })).toBe(403);
  expect(await statusOf(jenkins, { ...pair, 'x-forwarded-for': '198.51.100.9' })).toBe(403);
  expect(await statusOf(jenkins, { ...pair, authorization: '' })).toBe(403);
});

test('the crumb may stand in the query or the body, and a known session keeps its crumb', async () => {
  await using jenkins = await StandInBench.start();
  const { cookie, 'Jenkins-Crumb': crumb } = await fetchPair(jenkins);
  const headers = { ...password, cookie };

  expect((await jenkins.call(`${POST}?Jenkins-Crumb=${crumb}`, { headers })).status).toBe(302);
  expect((await jenkins.call(POST, { headers, body: `Jenkins-Crumb=${crumb}` })).status).toBe(302);
  expect(await fetchPair(jenkins, { cookie })).toEqual({ cookie, 'Jenkins-Crumb': crumb });
});

test('an API token needs none, and a wrong one is not looked at', async () => {
  await using jenkins = await StandInBench.start();

  expect((await jenkins.call(POST)).status).toBe(302);
  expect((await jenkins.call(POST, { headers: { 'Jenkins-Crumb': 'x' } })).status).toBe(302);
});

test('a pair from before a restart is refused, a new one is not', async () => {
  await using jenkins = await StandInBench.start();
  const pair = await fetchPair(jenkins);
  await jenkins.stop();
  await jenkins.boot();

  expect(await statusOf(jenkins, pair)).toBe(403);
  expect(await statusOf(jenkins, await fetchPair(jenkins, { cookie: pair.cookie }))).toBe(302);
});

test('without an issuer a password is enough', async () => {
  await using jenkins = await StandInBench.start({ crumbIssuer: false });

  expect(await statusOf(jenkins, {})).toBe(302);
  expect(await statusOf(jenkins, { 'Jenkins-Crumb': 'stale' })).toBe(302);
  expect((await jenkins.call(ISSUER)).status).toBe(404);
  expect(await jenkins.read('', 'useCrumbs')).toMatchObject({ useCrumbs: false });
  expect(await statusOf(jenkins, { authorization: '' })).toBe(403);
});
