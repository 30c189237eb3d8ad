import * as z from 'zod';
import { RequestRefusedError } from '../provider/errors.ts';
import type { ApiCaller } from './api-caller.ts';
import { parseBody } from './parse-body.ts';
import { listOf } from '../runtime/list-of.ts';

const OneKeypair = z.object({ keypair: z.object({ public_key: z.string() }) });
const KeypairList = z.object({ keypairs: listOf(z.object({ keypair: z.object({ name: z.string() }) })) });

export type NamedKey = { readonly name: string; readonly publicKey: string };

/**
 * Uploads a public key. Safe to repeat: the same key under that name already is success.
 * @throws {RequestRefusedError} the name holds another key, or the key is bad
 */
export async function createKeypair(key: NamedKey, api: ApiCaller, signal: AbortSignal): Promise<void> {
  const outcome = await api.call(
    {
      name: 'KeypairCreate',
      service: 'compute',
      method: 'POST',
      path: '/os-keypairs',
      body: { keypair: { name: key.name, public_key: key.publicKey } },
      repeatable: true,
      accept: [409],
      read: (answer) => (answer.status === 409 ? 'exists' : 'created'),
    },
    signal,
  );
  if (outcome === 'created' || (await readPublicKey(key.name, api, signal)) === key.publicKey.trim()) return;
  throw new RequestRefusedError(`Cannot create keypair "${key.name}": that name holds another key`);
}

async function readPublicKey(name: string, api: ApiCaller, signal: AbortSignal): Promise<string | undefined> {
  return await api.call(
    {
      name: 'KeypairGet',
      service: 'compute',
      method: 'GET',
      path: `/os-keypairs/${encodeURIComponent(name)}`,
      repeatable: true,
      accept: [404],
      read: (answer) => (answer.status === 404 ? undefined : parseBody(OneKeypair, answer).keypair.public_key.trim()),
    },
    signal,
  );
}

export async function deleteKeypair(name: string, api: ApiCaller, signal: AbortSignal): Promise<void> {
  await api.call(
    {
      name: 'KeypairDelete',
      service: 'compute',
      method: 'DELETE',
      path: `/os-keypairs/${encodeURIComponent(name)}`,
      repeatable: true,
      accept: [404],
      read: () => undefined,
    },
    signal,
  );
}

/** The names of the user's key pairs. */
export async function listKeypairs(api: ApiCaller, signal: AbortSignal): Promise<readonly string[]> {
  return await api.call(
    {
      name: 'KeypairList',
      service: 'compute',
      method: 'GET',
      path: '/os-keypairs',
      repeatable: true,
      read: (answer) => parseBody(KeypairList, answer).keypairs.map(({ keypair }) => keypair.name),
    },
    signal,
  );
}
