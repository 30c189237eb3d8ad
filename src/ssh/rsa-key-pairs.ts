import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import PQueue from 'p-queue';
import type { KeyPair, KeyPairOrder, KeyPairs } from '../provider/remote-machine.ts';
import { Secret } from '../runtime/secret.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

const generate = promisify(generateKeyPair);

/** Makes a fresh RSA-2048 key pair off the main thread; about 80 ms of a processor. */
export async function generateRsaKeyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return { privateKey: new Secret(privateKey), publicKey: openSshPublicKey(publicKey) };
}

/** The wire form of an RSA public key (RFC 4253 section 6.6) in base64, as it stands in authorized_keys. */
function openSshPublicKey(spkiPem: string): string {
  const { e = '', n = '' } = createPublicKey(spkiPem).export({ format: 'jwk' });
  const blob = Buffer.concat([sized(Buffer.from('ssh-rsa')), positive(e), positive(n)]);
  return `ssh-rsa ${blob.toString('base64')}`;
}

/** RFC 4251 `mpint`: a leading zero keeps a number with its top bit set from being read as negative. */
function positive(base64url: string): Buffer {
  const digits = Buffer.from(base64url, 'base64url');
  return sized((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits);
}

function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

/** Makes a pair for each order from the moment it is given; one that was not taken serves the next order. */
export class RsaKeyPairs implements KeyPairs {
  readonly #generate: () => Promise<KeyPair>;
  // Generating fills threads that file access and name look-ups need too: never all of them.
  readonly #queue = new PQueue({ concurrency: 2 });
  /** Ordered, made, and not taken. */
  readonly #spare: KeyPair[] = [];

  /** @param generate default: generateRsaKeyPair */
  constructor(generate: () => Promise<KeyPair> = generateRsaKeyPair) {
    this.#generate = generate;
  }

  order(): KeyPairOrder {
    const cancelled = new AbortController();
    let isTaken = false;
    const making = this.#make(cancelled.signal);
    making.catch(() => undefined); // a failure is for who takes it
    return {
      take: async (signal) => {
        const pair = await unlessAborted(making, signal);
        isTaken = true;
        return pair;
      },
      [Symbol.dispose]: () => {
        if (isTaken) return;
        cancelled.abort(new Error('Nobody waits for this key pair any more'));
        making.then(
          (pair) => this.#spare.push(pair),
          () => undefined,
        );
      },
    };
  }

  async #make(cancelled: AbortSignal): Promise<KeyPair> {
    const spare = this.#spare.shift();
    if (spare !== undefined) return spare;
    return await this.#queue.add(async () => {
      cancelled.throwIfAborted();
      return await this.#generate();
    });
  }
}
