import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Credential, RemoteError } from '../provider/remote-machine.ts';
import { plainReason } from '../runtime/plain-reason.ts';
import { asError } from '../runtime/errors.ts';
import type { Secret } from '../runtime/secret.ts';
import { parsePrivateKey } from './parse-private-key.ts';

/** A credential that is ready to be sent. */
export type LoginMethod =
  | { readonly kind: 'key'; readonly privateKey: Secret; readonly exposedFile?: string }
  | { readonly kind: 'password'; readonly password: Secret };

const MAX_KEY_BYTES = 64 * 1024;

/**
 * Reads what a credential names. `exposedFile` is set to a key file's path if others than its owner may read it.
 * @throws {RemoteError} `key`: the key cannot be read or used; the message names the file
 */
export async function readCredential(credential: Credential): Promise<LoginMethod> {
  switch (credential.kind) {
    case 'password':
      return { kind: 'password', password: credential.password };
    case 'key':
      return { kind: 'key', privateKey: parsePrivateKey(credential.privateKey.reveal(), 'given in memory') };
    case 'key-file':
      return await readKeyFile(credential.path);
  }
}

async function readKeyFile(path: string): Promise<LoginMethod> {
  const { text, mode } = await readSmallFile(path);
  const privateKey = parsePrivateKey(text, `"${path}"`);
  return { kind: 'key', privateKey, ...((mode & 0o077) === 0 ? {} : { exposedFile: path }) };
}

async function readSmallFile(path: string): Promise<{ text: string; mode: number }> {
  try {
    // Not to wait for a writer, should the path be a named pipe.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, mode } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw new Error('it is not a regular file');
      return stat;
    });
    if (size > MAX_KEY_BYTES) throw new Error('it is too large for a key');
    return { text: await file.readFile('utf8'), mode };
  } catch (error) {
    throw new RemoteError('key', `Cannot read private key "${path}": ${plainReason(error) ?? asError(error).message}`, {
      cause: error,
    });
  }
}
