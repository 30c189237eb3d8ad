import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import ssh2 from 'ssh2';
import { parsePrivateKey } from '../../src/ssh/parse-private-key.ts';

export type SshKeyPair = {
  /** In a format that OpenSSH and ssh2 read. */
  readonly private: string;
  /** A line of authorized_keys. */
  readonly public: string;
};

/** A fresh key pair. Not by ssh2: one in 200 of the Ed25519 keys that it makes is broken. */
export function makeSshKeyPair(type: 'ed25519' | 'ecdsa' = 'ed25519'): SshKeyPair {
  const { privateKey }: { privateKey: KeyObject } =
    type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = parsePrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'of a test').reveal();
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return { private: text, public: `${key.type} ${key.getPublicSSH().toString('base64')}` };
}
