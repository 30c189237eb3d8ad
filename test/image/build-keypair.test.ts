import { expect, test } from 'vitest';
import { buildKeypairName, buildKeypairNames } from '../../src/image/build-keypair.ts';

test('two builds that began in the same second in one project have keypairs of their own', () => {
  const hostname = 'template-trusty-1448149000.example.org';

  expect(buildKeypairName({ id: 12, hostname })).toBe('template-trusty-1448149000-12');
  expect(buildKeypairName({ id: 13, hostname })).toBe('template-trusty-1448149000-13');
});

test('a keypair is known by upstream’s name too', () => {
  expect(buildKeypairNames({ id: 12, hostname: 'template-trusty' })).toEqual(['template-trusty-12', 'template-trusty']);
});

test('a build that has no server name yet has no keypair', () => {
  expect(buildKeypairName({ id: 12 })).toBeUndefined();
  expect(buildKeypairNames({ id: 12 })).toEqual([]);
});
