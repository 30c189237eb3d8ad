import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ADDRESS_COUNT,
  addressAt,
  nextAddress,
  requireLoopbackNetwork,
} from '../../../devfarm/instances/address-range.ts';

test('addresses walk on from the last one given, so a freed one rests', () => {
  expect(nextAddress('127.77', 0, new Set())).toBe(1);
  expect(nextAddress('127.77', 5, new Set(['127.77.0.7', '127.77.0.8']))).toBe(8);
  expect(addressAt('127.77', 8)).toBe('127.77.0.9');
});

test('after the end of the range the walk begins anew', () => {
  expect(nextAddress('127.77', ADDRESS_COUNT - 1, new Set())).toBe(1);
});

test('every address is a host address of the network, whatever was given before', () => {
  fc.assert(
    fc.property(fc.nat(ADDRESS_COUNT * 2), (last) => {
      const [a, b, c = 0, d = 0] = addressAt('127.77', nextAddress('127.77', last, new Set()))
        .split('.')
        .map(Number);
      return a === 127 && b === 77 && c <= 248 && d >= 1 && d <= 250;
    }),
  );
});

test('a full network is an error, not an endless search', () => {
  const all = new Set(Array.from({ length: ADDRESS_COUNT }, (_, n) => addressAt('127.77', n)));

  expect(() => nextAddress('127.77', 3, all)).toThrow('Cannot find a free address in 127.77.0.0');
});

test.each(['10.1', '127.0', '127.256', '127', '127.1.2'])(
  'network "%s" is refused: instances live on loopback',
  (network) => {
    expect(() => {
      requireLoopbackNetwork(network);
    }).toThrow(`Cannot use network "${network}"`);
  },
);
