import { afterAll, beforeAll, expect, test } from 'vitest';
import { Tenant } from './tenant.ts';
import { awaitTokenEnd } from './token-end.ts';

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open();
});
afterAll(async () => {
  await tenant.subject.close();
});

test('I16: a token that has ended is refused with 401 by every service, also by those that knew it', async () => {
  const ask = async (): Promise<number[]> => {
    const answers = [
      await tenant.call('identity', 'GET /v3/auth/catalog'),
      await tenant.nova('GET /servers'),
      await tenant.neutron('GET /ports'),
      await tenant.glance('GET /images'),
    ];
    return answers.map(({ status }) => status);
  };
  expect(await ask()).toEqual([200, 200, 200, 200]);

  await awaitTokenEnd(tenant.subject);

  expect(await ask()).toEqual([401, 401, 401, 401]);
});
