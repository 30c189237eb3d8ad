import { createHash, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ApiFailure } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import type { KeyPairRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { readComputeBody } from './compute-body.ts';
import { isJsonObject, objectAt, pythonRepr, textAt } from './json-value.ts';
import { bareTime } from './openstack-times.ts';

const NAME_CHARACTERS = '[_- 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ]';

/** Nova's key pairs; each user has his own. */
export function listKeyPairRoutes(cloud: Cloud): Route[] {
  return [
    { method: 'GET', path: '/v2.1/os-keypairs', handle: (call) => list(call, cloud) },
    { method: 'POST', path: '/v2.1/os-keypairs', handle: (call) => create(call, cloud) },
    { method: 'GET', path: '/v2.1/os-keypairs/:name', handle: (call) => show(call, cloud) },
    { method: 'DELETE', path: '/v2.1/os-keypairs/:name', handle: (call) => remove(call, cloud) },
  ];
}

/** The caller's key pair of that name. */
export function findKeyPair(name: string, call: Call, cloud: Cloud): KeyPairRecord | undefined {
  return cloud.keyPairs.find(`${call.caller.userId} ${name}`);
}

function list(call: Call, cloud: Cloud): Answer {
  const own = cloud.keyPairs.where(({ userId }) => userId === call.caller.userId);
  const keypairs = own
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((pair) => ({
      keypair: { ...typeOf(call), name: pair.name, public_key: pair.publicKey, fingerprint: pair.fingerprint },
    }));
  return { status: 200, body: { keypairs } };
}

function show(call: Call, cloud: Cloud): Answer {
  const pair = getKeyPair(call, cloud);
  const dates = {
    created_at: bareTime(pair.createdAt),
    deleted: false,
    deleted_at: null,
    id: pair.number,
    updated_at: null,
  };
  return { status: 200, body: { keypair: { ...briefView(pair, call), ...dates } } };
}

function remove(call: Call, cloud: Cloud): Answer {
  cloud.keyPairs.remove(getKeyPair(call, cloud).id);
  return { status: call.minor >= 2 ? 204 : 202, headers: { 'content-type': 'application/json' } };
}

function create(call: Call, cloud: Cloud): Answer {
  const given = readKeyPair(call);
  const { userId } = call.caller;
  if (findKeyPair(given.name, call, cloud) !== undefined) {
    throw new ApiFailure(409, `Key pair '${given.name}' already exists.`);
  }
  const quota = cloud.quotaOf(call.caller.projectId).keyPairs;
  const own = cloud.keyPairs.where((pair) => pair.userId === userId);
  if (quota >= 0 && own.length >= quota) throw new ApiFailure(403, 'Quota exceeded, too many key pairs.');
  const made = given.publicKey === undefined ? generate() : { publicKey: given.publicKey };
  const number = 1 + Math.max(0, ...cloud.keyPairs.all().map((pair) => pair.number));
  const pair = cloud.keyPairs.put({
    id: `${userId} ${given.name}`,
    number,
    name: given.name,
    userId,
    publicKey: made.publicKey,
    fingerprint: fingerprintOf(made.publicKey),
    createdAt: cloud.nowMs,
  });
  const secret = 'privateKey' in made ? { private_key: made.privateKey } : {};
  return { status: call.minor >= 2 ? 201 : 200, body: { keypair: { ...secret, ...briefView(pair, call) } } };
}

function readKeyPair(call: Call): { readonly name: string; readonly publicKey: string | undefined } {
  const body = readComputeBody(call);
  const given = objectAt(body, 'keypair');
  if (!isJsonObject(body) || !isJsonObject(body['keypair'])) {
    throw new ApiFailure(
      400,
      `Invalid input for field/attribute keypair. Value: ${pythonRepr(body)}. 'keypair' is a required property`,
    );
  }
  const name = textAt(given, 'name') ?? '';
  const publicKey = textAt(given, 'public_key');
  const complaint = `Invalid input for field/attribute keypair. Value: ${pythonRepr(given)}.`;
  if (name === '') throw new ApiFailure(400, `${complaint} 'name' is a required property`);
  if (call.minor >= 92 && publicKey === undefined)
    throw new ApiFailure(400, `${complaint} 'public_key' is a required property`);
  // From 2.92 on an e-mail address may be a name.
  if (!(call.minor >= 92 ? /^[\w\- @.]{1,255}$/ : /^[\w\- ]{1,255}$/).test(name)) {
    throw new ApiFailure(
      400,
      `An invalid 'name' value was provided. The name must be: Only expected characters: ${NAME_CHARACTERS}`,
    );
  }
  return { name, publicKey };
}

function getKeyPair(call: Call, cloud: Cloud): KeyPairRecord {
  const name = call.params['name'] ?? '';
  const pair = findKeyPair(name, call, cloud);
  if (pair === undefined) throw new ApiFailure(404, `Keypair ${name} not found for user ${call.caller.userId}`);
  return pair;
}

function briefView(pair: KeyPairRecord, call: Call): Record<string, unknown> {
  const { name, publicKey, fingerprint, userId } = pair;
  return { ...typeOf(call), name, public_key: publicKey, fingerprint, user_id: userId };
}

function typeOf(call: Call): Record<string, string> {
  return call.minor >= 2 ? { type: 'ssh' } : {};
}

/** MD5 of the key's bytes, as `ssh-keygen -E md5` prints it. */
function fingerprintOf(publicKey: string): string {
  const [type = '', data = ''] = publicKey.trim().split(/\s+/);
  const bytes = Buffer.from(data, 'base64');
  const inner = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1') : '';
  if (inner === '' || inner !== type)
    throw new ApiFailure(400, 'Keypair data is invalid: failed to generate fingerprint');
  const digits = createHash('md5').update(bytes).digest('hex');
  return digits.replaceAll(/(..)(?=.)/g, '$1:');
}

function generate(): { readonly publicKey: string; readonly privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' });
  return { publicKey: `${openSshRsa(publicKey)} Generated-by-Nova`, privateKey: pem.toString() };
}

function openSshRsa(key: KeyObject): string {
  const { e = '', n = '' } = key.export({ format: 'jwk' });
  const parts = [Buffer.from('ssh-rsa'), positive(Buffer.from(e, 'base64url')), positive(Buffer.from(n, 'base64url'))];
  return `ssh-rsa ${Buffer.concat(parts.flatMap((part) => [lengthOf(part), part])).toString('base64')}`;
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(part.length);
  return length;
}

/** SSH writes numbers with a sign: a leading zero keeps a high first bit positive. */
function positive(number: Buffer): Buffer {
  return (number[0] ?? 0) > 127 ? Buffer.concat([Buffer.alloc(1), number]) : number;
}
