import { describe, expect, test } from 'vitest';
import { QuotaExceededError, RequestRefusedError } from '../../../src/provider/errors.ts';
import { awaitActive } from '../../../src/provider/await-server.ts';
import { at } from '../openstack/at.ts';
import { getToken, sendRaw } from '../openstack/raw-http.ts';
import { subjectKind } from '../openstack/open-subject.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { describeCloudProvider } from './cloud-provider-contract.ts';
import { describeImageUpload } from './image-upload-contract.ts';
import { PAGE_SIZE, startOpenStack, type TriedOpenStack } from './tried-open-stack.ts';

const MISSING = '11111111-2222-4333-8444-555555555555';
const REQUEST_ID = /\(req-[0-9a-f-]{36}\)/;
const spec = { name: 'node-1', minRamMib: 512, metadata: {} };

describeCloudProvider(`our client on the ${subjectKind()} OpenStack`, () => startOpenStack());
describeImageUpload(`our client on the ${subjectKind()} OpenStack`, () => startOpenStack());

describe('what our client makes of OpenStack', { timeout: 120_000 }, () => {
  test('lists all servers and images, however many pages they fill', async () => {
    await using cloud = await startOpenStack();
    const { provider } = cloud;
    const images = await makeImages(PAGE_SIZE + 1, cloud);
    const servers = [];
    // One after the other: a real cloud on a small machine refuses a crowd by its time limits.
    for (let count = 0; count <= PAGE_SIZE; count += 1) {
      servers.push((await provider.createServer({ ...spec, imageId: cloud.imageId }, neverAborted)).id);
    }

    const listed = await provider.listServers(neverAborted);

    expect(listed.map(({ id }) => id).sort()).toEqual(servers.sort());
    expect((await provider.listImages(neverAborted)).map(({ id }) => id).sort()).toEqual(images.sort());
  });

  test('a refusal carries the id of the request, by which an operator finds it in the logs of the cloud', async () => {
    await using cloud = await startOpenStack();
    const { provider } = cloud;

    const ends = await Promise.allSettled([
      provider.createSnapshot(MISSING, 'shot', {}, neverAborted),
      provider.createServer({ ...spec, imageId: MISSING }, neverAborted),
      provider.createKeypair('bad', 'ssh-rsa nonsense', neverAborted),
    ]);

    for (const end of ends) {
      const failure: unknown = end.status === 'rejected' ? end.reason : undefined;
      expect(failure).toBeInstanceOf(RequestRefusedError);
      expect(String(failure)).toMatch(REQUEST_ID);
    }
  });

  test('a 403 that is no lack of room is a refusal: too much metadata, a policy', async () => {
    await using cloud = await startOpenStack();
    const base = { ...spec, imageId: cloud.imageId };
    const metadata = Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`k${index}`, 'v']));

    const tooMuch = cloud.provider.createServer({ ...base, metadata }, neverAborted);
    await expect(tooMuch).rejects.toThrow('Maximum number of metadata items exceeds 128');
    await expect(tooMuch).rejects.toBeInstanceOf(RequestRefusedError);
    const forced = cloud.provider.createServer({ ...base, az: 'az1:fake-1' }, neverAborted);
    await expect(forced).rejects.toBeInstanceOf(RequestRefusedError);
  });

  test('of creates that come together, those without room fail with the reason, at once or later', async () => {
    await using cloud = await startOpenStack();
    const { provider, clock } = cloud;
    await cloud.allowServers(1);
    const base = { ...spec, imageId: cloud.imageId };
    const launch = async (): Promise<void> => {
      const { id } = await provider.createServer(base, neverAborted);
      await awaitActive({ id, ms: 60_000 }, { cloud: provider, clock }, neverAborted);
    };

    const ends = await Promise.allSettled([launch(), launch(), launch()]);

    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    expect(failures.length).toBeGreaterThanOrEqual(2);
    for (const failure of failures) {
      expect(String(failure)).toContain('Quota exceeded for instances');
      expect(failure).toBeInstanceOf(QuotaExceededError);
    }
  });

  test('the console of a server is a text, and of a missing one empty', async () => {
    await using cloud = await startOpenStack();
    const { provider, clock } = cloud;
    const { id } = await provider.createServer({ ...spec, imageId: cloud.imageId }, neverAborted);
    await awaitActive({ id, ms: 60_000 }, { cloud: provider, clock }, neverAborted);

    expect(typeof (await provider.readConsole(id, 5, neverAborted))).toBe('string');
    expect(await provider.readConsole(MISSING, 5, neverAborted)).toBe('');
  });
});

/** Images without data, which our client cannot make. Gives their ids. */
async function makeImages(count: number, { account }: TriedOpenStack): Promise<string[]> {
  const headers = { 'x-auth-token': await getToken(account.origins.identity, account) };
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const answer = await sendRaw({
      method: 'POST',
      url: `${account.origins.image}/v2/images`,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `image-${made}`, disk_format: 'raw', container_format: 'bare' }),
    });
    ids.push(String(at(answer.json, 'id')));
  }
  return ids;
}
