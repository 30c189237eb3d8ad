import { createPrivateKey } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import ssh2 from 'ssh2';
import { describe, expect, test, vi } from 'vitest';
import type { KeyPair } from '../../src/provider/remote-machine.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { generateRsaKeyPair, RsaKeyPairs } from '../../src/ssh/rsa-key-pairs.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

/** Makes pairs that can be told apart, and counts them. */
function counter(): { made: number; generate: () => Promise<KeyPair> } {
  const count = {
    made: 0,
    generate: () => {
      count.made += 1;
      return Promise.resolve({ privateKey: new Secret('k'), publicKey: `ssh-rsa ${count.made}` });
    },
  };
  return count;
}

test('a generated pair is RSA with 2048 bits, in the formats that scripts on nodes rely on', async () => {
  const { privateKey, publicKey } = await generateRsaKeyPair();

  expect(privateKey.reveal()).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  expect(createPrivateKey(privateKey.reveal()).asymmetricKeyDetails?.modulusLength).toBe(2048);
  const parsed = ssh2.utils.parseKey(privateKey.reveal());
  if (parsed instanceof Error) throw parsed;
  expect(publicKey).toBe(`ssh-rsa ${parsed.getPublicSSH().toString('base64')}`);
});

describe('key pairs', () => {
  test('are made from the order on, one for each', async () => {
    const count = counter();
    const pairs = new RsaKeyPairs(count.generate);
    using first = pairs.order();
    using second = pairs.order();
    await vi.waitUntil(() => count.made === 2);

    const given = await Promise.all([first, second].map((order) => order.take(neverAborted)));

    expect(given.map(({ publicKey }) => publicKey)).toEqual(['ssh-rsa 1', 'ssh-rsa 2']);
    expect(count.made).toBe(2);
  });

  test('that were made and not taken serve the next orders', async () => {
    const count = counter();
    const pairs = new RsaKeyPairs(count.generate);
    const unused = pairs.order();
    await vi.waitUntil(() => count.made === 1);
    unused[Symbol.dispose]();

    const given = [...(await takeSome(pairs, 1)), ...(await takeSome(pairs, 1))];

    expect(given.sort()).toEqual(['ssh-rsa 1', 'ssh-rsa 2']);
  });

  test('are not made where the order is gone before its turn', async () => {
    const count = counter();
    const go = new EventEmitter();
    const pairs = new RsaKeyPairs(async () => {
      await once(go, 'go');
      return await count.generate();
    });
    const orders = [1, 2, 3, 4].map(() => pairs.order());
    for (const order of orders.splice(2)) order[Symbol.dispose]();

    go.emit('go');
    await Promise.all(orders.map((order) => order.take(neverAborted)));
    for (const order of orders) order[Symbol.dispose]();

    expect(count.made).toBe(2);
  });

  test('are made two at a time at most, for the threads are shared with file access', async () => {
    let running = 0;
    let most = 0;
    const pairs = new RsaKeyPairs(async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return await counter().generate();
    });

    await takeSome(pairs, 6);

    expect(most).toBe(2);
  });

  test('that cannot be made are an error for those who take them, and for nobody else', async () => {
    const pairs = new RsaKeyPairs(() => Promise.reject(new Error('No entropy')));
    pairs.order()[Symbol.dispose]();
    using order = pairs.order();

    await expect(order.take(neverAborted)).rejects.toThrow('No entropy');
  });

  test('are not waited for by callers that are gone', async () => {
    using order = new RsaKeyPairs(() => new Promise<KeyPair>(() => undefined)).order();

    await expect(order.take(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });
});

async function takeSome(pairs: RsaKeyPairs, count: number): Promise<readonly string[]> {
  const orders = Array.from({ length: count }, () => pairs.order());
  const given = await Promise.all(orders.map((order) => order.take(neverAborted)));
  for (const order of orders) order[Symbol.dispose]();
  return given.map(({ publicKey }) => publicKey);
}
