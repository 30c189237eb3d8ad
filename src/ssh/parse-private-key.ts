import { createPrivateKey, type KeyObject } from 'node:crypto';
import ssh2 from 'ssh2';
import { RemoteError } from '../provider/remote-machine.ts';
import { asError } from '../runtime/errors.ts';
import { Secret } from '../runtime/secret.ts';

/**
 * Checks a private key (RSA, ECDSA or Ed25519; PEM or OpenSSH format) and gives it as `ssh2` reads it.
 *
 * @param name how error messages call the key, e.g. its file
 * @throws {RemoteError} `key`: it is encrypted, a public key, or no key
 */
export function parsePrivateKey(text: string, name: string): Secret {
  const pem = `${text.replaceAll('\r\n', '\n').trim()}\n`; // some editors and YAML blocks leave the last line open
  if (pem.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----')) throw encrypted(name);
  const readable = pem.startsWith('-----BEGIN PRIVATE KEY-----') ? fromPkcs8(pem, name) : pem;
  const parsed: unknown = ssh2.utils.parseKey(readable);
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error && /encrypted|passphrase/i.test(key.message)) throw encrypted(name, key);
  if (!isParsedKey(key)) {
    throw new RemoteError('key', `Cannot use private key ${name}: it is not a private key in PEM or OpenSSH format`, {
      cause: key,
    });
  }
  if (!key.isPrivateKey()) {
    throw new RemoteError('key', `Cannot use private key ${name}: it is a public key`);
  }
  return new Secret(readable);
}

function encrypted(name: string, cause?: Error): RemoteError {
  return new RemoteError('key', `Cannot use private key ${name}: it is encrypted, and nobody is here to type`, {
    cause,
  });
}

function isParsedKey(key: unknown): key is { isPrivateKey(): boolean } {
  return typeof key === 'object' && key !== null && 'isPrivateKey' in key;
}

const PKCS8_EXPORTS: Readonly<Record<string, (key: KeyObject) => string>> = {
  rsa: (key) => key.export({ type: 'pkcs1', format: 'pem' }).toString(),
  ec: (key) => key.export({ type: 'sec1', format: 'pem' }).toString(),
  ed25519: openSshEd25519,
};

/** PKCS #8, which OpenSSL writes and `ssh2` does not read, as one of the formats that it reads. */
function fromPkcs8(pem: string, name: string): string {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw new RemoteError('key', `Cannot use private key ${name}: its content is damaged`, { cause: asError(error) });
  }
  const readable = PKCS8_EXPORTS[key.asymmetricKeyType ?? '']?.(key);
  if (readable === undefined) {
    throw new RemoteError('key', `Cannot use private key ${name}: it is neither RSA, ECDSA nor Ed25519`);
  }
  return readable;
}

/** OpenSSH's own format (openssh-portable, PROTOCOL.key), not encrypted, without a comment. */
function openSshEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const publicPart = Buffer.concat([sized('ssh-ed25519'), sized(point)]);
  const checks = Buffer.alloc(8); // two equal numbers, which show a wrong passphrase; there is none
  const secrets = Buffer.concat([checks, publicPart, sized(Buffer.concat([seed, point])), sized('')]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secrets.length % 8)) % 8);
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sized('none'),
    sized('none'),
    sized(''),
    Buffer.from([0, 0, 0, 1]),
    sized(publicPart),
    sized(Buffer.concat([secrets, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

function sized(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
