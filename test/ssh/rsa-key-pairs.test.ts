import { createPrivateKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import type { KeyPair } from '../../src/provider/remote-machine.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { generateRsaKeyPair, RsaKeyPairs } from '../../src/ssh/rsa-key-pairs.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const log = new RecordingLogger();

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
  test('are made ahead, and each is given away once', async () => {
    const { generate } = counter();
    const pairs = new RsaKeyPairs(3, { log, generate });
    await pairs.fill();
    expect(pairs.ready).toBe(3);

    const given = await Promise.all([1, 2, 3, 4, 5].map(() => pairs.create(neverAborted)));

    expect(new Set(given.map((pair) => pair.publicKey)).size).toBe(5);
  });

  test('that were taken are replaced in the background, no more than wanted', async () => {
    const count = counter();
    const pairs = new RsaKeyPairs(2, { log, generate: count.generate });

    await pairs.create(neverAborted);
    await pairs.fill();

    expect(pairs.ready).toBe(2);
    expect(count.made).toBe(3);
  });

  test('are made two at a time at most, for the threads are shared with file access', async () => {
    let running = 0;
    let most = 0;
    const pairs = new RsaKeyPairs(6, {
      log,
      generate: async () => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
        return await counter().generate();
      },
    });

    await Promise.all([pairs.fill(), pairs.create(neverAborted), pairs.create(neverAborted)]);

    expect(most).toBe(2);
  });

  test('that cannot be made ahead are a warning, and an error only for those who need one', async () => {
    const failing = new RecordingLogger();
    const pairs = new RsaKeyPairs(1, { log: failing, generate: () => Promise.reject(new Error('No entropy')) });

    await pairs.fill();

    expect(failing.messages('warn')).toEqual(['Cannot make a key pair ahead']);
    await expect(pairs.create(neverAborted)).rejects.toThrow('No entropy');
  });

  test('are not made for callers that are gone', async () => {
    const count = counter();

    await expect(
      new RsaKeyPairs(1, { log, generate: count.generate }).create(AbortSignal.abort(new Error('gone'))),
    ).rejects.toThrow('gone');
    expect(count.made).toBe(0);
  });
});
