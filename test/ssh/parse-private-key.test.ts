import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, describe, expect, test } from 'vitest';
import { parsePrivateKey } from '../../src/ssh/parse-private-key.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';

const folder = mkdtempSync(join(tmpdir(), 'keys-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

function keygen(name: string, ...options: string[]): string {
  const path = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-N', '', '-f', path, ...options]);
  return readFileSync(path, 'utf8');
}

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const KEYS = [
  { name: 'RSA, PEM', type: 'ssh-rsa', text: rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }) },
  { name: 'ECDSA, PEM', type: 'ecdsa-sha2-nistp256', text: ec.privateKey.export({ type: 'sec1', format: 'pem' }) },
  { name: 'RSA, PKCS 8', type: 'ssh-rsa', text: rsa.privateKey.export(pkcs8) },
  { name: 'ECDSA, PKCS 8', type: 'ecdsa-sha2-nistp256', text: ec.privateKey.export(pkcs8) },
  { name: 'Ed25519, PKCS 8', type: 'ssh-ed25519', text: ed.privateKey.export(pkcs8) },
  { name: 'RSA, OpenSSH', type: 'ssh-rsa', text: keygen('rsa', '-t', 'rsa') },
  { name: 'ECDSA, OpenSSH', type: 'ecdsa-sha2-nistp521', text: keygen('ecdsa', '-t', 'ecdsa', '-b', '521') },
  { name: 'Ed25519, OpenSSH', type: 'ssh-ed25519', text: keygen('ed', '-t', 'ed25519') },
].map((key) => ({ ...key, text: key.text.toString() }));

describe('a private key', () => {
  test.each(KEYS)('of kind $name is read, and signs', ({ text, type }) => {
    const key = ssh2.utils.parseKey(parsePrivateKey(text, 'k').reveal());

    if (key instanceof Error) throw key;
    expect(key.type).toBe(type);
    const signature = key.sign('data');
    if (signature instanceof Error) throw signature;
    expect(key.verify('data', signature)).toBe(true);
  });

  test('keeps its public half when it is brought into another format', () => {
    const key = ssh2.utils.parseKey(parsePrivateKey(ed.privateKey.export(pkcs8).toString(), 'k').reveal());

    const point = Buffer.from(ed.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    expect(key instanceof Error ? key : key.getPublicSSH().subarray(-32)).toEqual(point);
  });

  test.each(KEYS)('of kind $name may have the line ends of Windows, or none at its end', ({ text }) => {
    const plain = parsePrivateKey(text, 'k').reveal();

    expect(parsePrivateKey(text.trim().replaceAll('\n', '\r\n'), 'k').reveal()).toBe(plain);
  });

  test.each([
    {
      what: 'an encrypted key in OpenSSH format',
      text: keygen('locked', '-t', 'ed25519', '-N', 'sesame'),
      why: 'it is encrypted',
    },
    {
      what: 'an encrypted PEM key',
      text: rsa.privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
      why: 'it is encrypted',
    },
    {
      what: 'an encrypted PKCS 8 key',
      text: rsa.privateKey.export({ ...pkcs8, cipher: 'aes-128-cbc', passphrase: 'x' }),
      why: 'it is encrypted',
    },
    { what: 'a public key', text: makeSshKeyPair().public, why: 'it is a public key' },
    {
      what: 'a certificate',
      text: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      why: 'it is not a private key',
    },
    { what: 'nothing', text: '', why: 'it is not a private key' },
    {
      what: 'a damaged PKCS 8 key',
      text: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      why: 'its content is damaged',
    },
    {
      what: 'a key for signing nothing',
      text: generateKeyPairSync('x25519').privateKey.export(pkcs8),
      why: 'it is neither RSA',
    },
  ])('cannot be $what: the error names it and says why', ({ text, why }) => {
    expect(() => parsePrivateKey(text.toString(), '"/etc/key"')).toThrow(`Cannot use private key "/etc/key": ${why}`);
  });
});
