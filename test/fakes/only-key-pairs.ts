import type { KeyPair, KeyPairs } from '../../src/provider/remote-machine.ts';
import { Secret } from '../../src/runtime/secret.ts';

/** The pair that each order gives, at once. */
export const ONLY_KEY_PAIR: KeyPair = { privateKey: new Secret('PRIVATE'), publicKey: 'ssh-rsa PUBLIC' };

/** Makes no keys. */
export const onlyKeyPairs: KeyPairs = {
  order: () => ({ take: () => Promise.resolve(ONLY_KEY_PAIR), [Symbol.dispose]: () => undefined }),
};
