import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import { readCredential } from '../../src/ssh/read-credential.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';

const PRIVATE = makeSshKeyPair().private;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keys-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('a key file of its owner alone is read without a complaint', async () => {
  const path = join(folder, 'private');
  await writeFile(path, PRIVATE, { mode: 0o600 });

  expect(await readCredential({ kind: 'key-file', path })).toEqual({
    kind: 'key',
    privateKey: expect.any(Secret) as unknown,
  });
});

test('a key file that others may read is told, so that the caller can warn', async () => {
  const path = join(folder, 'open');
  await writeFile(path, PRIVATE);
  await chmod(path, 0o640);

  expect(await readCredential({ kind: 'key-file', path })).toMatchObject({ exposedFile: path });
});

test('a password and a key in memory need no file', async () => {
  const password = new Secret('sesame');

  expect(await readCredential({ kind: 'password', password })).toEqual({ kind: 'password', password });
  expect(await readCredential({ kind: 'key', privateKey: new Secret(PRIVATE) })).toMatchObject({ kind: 'key' });
});

test.each([
  { what: 'does not exist', make: () => Promise.resolve(), why: 'there is no such file' },
  { what: 'is huge', make: (path: string) => writeFile(path, Buffer.alloc(70_000)), why: 'it is too large for a key' },
  {
    what: 'is a named pipe that nobody writes to',
    make: (path: string) => Promise.resolve(execFileSync('mkfifo', [path])),
    why: 'it is not a regular file',
  },
])('a key file that $what is an error that names it', async ({ what, make, why }) => {
  const path = join(folder, what);
  await make(path);

  const reading = readCredential({ kind: 'key-file', path });

  await expect(reading).rejects.toThrow(`Cannot read private key "${path}": ${why}`);
  await expect(reading).rejects.toMatchObject({ name: 'RemoteError', fault: 'key' });
});
