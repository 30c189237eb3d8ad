import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import PQueue from 'p-queue';
import type { KeyPair, KeyPairs } from '../provider/remote-machine.ts';
import type { Logger } from '../runtime/logger.ts';
import { Secret } from '../runtime/secret.ts';

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

export type RsaKeyPairsDeps = {
  readonly log: Logger;
  /** Default: generateRsaKeyPair. */
  readonly generate?: () => Promise<KeyPair>;
};

/** Key pairs with a few made ahead in the background, so that a burst of launches does not wait for prime numbers. */
export class RsaKeyPairs implements KeyPairs {
  readonly #wanted: number;
  readonly #log: Logger;
  readonly #generate: () => Promise<KeyPair>;
  // Generating fills threads that file access and name look-ups need too: never all of them.
  readonly #queue = new PQueue({ concurrency: 2 });
  readonly #ready: KeyPair[] = [];
  #coming = 0;

  /** @param keepReady how many to make ahead */
  constructor(keepReady: number, deps: RsaKeyPairsDeps) {
    this.#wanted = keepReady;
    this.#log = deps.log;
    this.#generate = deps.generate ?? generateRsaKeyPair;
  }

  /** How many can be had at once. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Begins to make pairs ahead; `create` does so too. Resolves when enough are ready. */
  async fill(): Promise<void> {
    while (this.#ready.length + this.#coming < this.#wanted) {
      this.#coming += 1;
      void this.#queue.add(() => this.#addOne());
    }
    await this.#queue.onIdle();
  }

  async create(signal: AbortSignal): Promise<KeyPair> {
    signal.throwIfAborted();
    const pair = this.#ready.shift() ?? (await this.#queue.add(this.#generate, { priority: 1, signal }));
    void this.fill();
    return pair;
  }

  async #addOne(): Promise<void> {
    try {
      this.#ready.push(await this.#generate());
    } catch (error) {
      this.#log.warn('Cannot make a key pair ahead', { error });
    } finally {
      this.#coming -= 1;
    }
  }
}
