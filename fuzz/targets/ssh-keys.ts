import { generateKeyPairSync } from 'node:crypto';
import { RemoteError } from '../../src/provider/remote-machine.ts';
import { parsePrivateKey } from '../../src/ssh/parse-private-key.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { makeSshKeyPair } from '../../test/peers/ssh-key-pair.ts';

export const sshKeys: ByteTarget = {
  kind: 'bytes',
  name: 'ssh-keys',
  about: 'private keys: one that can be used, or what is wrong without a word of it',
  corpus: () => [Buffer.from(makeSshKeyPair().private), ...pemKeys(), ...decodedBodies()],
  words: [
    '-----BEGIN ',
    'PRIVATE KEY-----\n',
    'openssh-key-v1\0',
    'ssh-rsa',
    'none',
    'bcrypt',
    'Proc-Type: 4,ENCRYPTED\n',
  ],
  mayThrow: [RemoteError],
  feed: (input) => {
    try {
      parsePrivateKey(input.toString(), '"key"');
    } catch (error) {
      const shown = error instanceof Error ? error.message : '';
      promise(!/[A-Za-z0-9+/]{40}/.test(shown), 'A message holds a part of a key');
      throw error;
    }
  },
};

function pemKeys(): readonly Buffer[] {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const ed = generateKeyPairSync('ed25519').privateKey;
  const dsaLike = generateKeyPairSync('x25519').privateKey;
  return [
    rsa.export({ type: 'pkcs1', format: 'pem' }),
    ec.export({ type: 'sec1', format: 'pem' }),
    ...[rsa, ec, ed, dsaLike].map((key) => key.export({ type: 'pkcs8', format: 'pem' })),
    rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
  ].map((pem) => Buffer.from(pem));
}

/** A body that is base64 already mutated: bit flips of PEM text seldom reach the numbers inside. */
function decodedBodies(): readonly Buffer[] {
  const body = Buffer.from(makeSshKeyPair().private.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  return Array.from({ length: 64 }, (_, index) => {
    const changed = Buffer.from(body);
    const at = Math.floor((index * body.length) / 64);
    changed.fill(index % 2 === 0 ? 0xff : 0, at, at + 4);
    const lines = changed.toString('base64').replaceAll(/(.{70})/g, '$1\n');
    return Buffer.from(`-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`);
  });
}
