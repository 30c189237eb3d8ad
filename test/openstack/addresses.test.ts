import { describe, expect, test } from 'vitest';
import type { CloudNetworkConfig } from '../../src/config/config.ts';
import { chooseAddresses } from '../../src/openstack/addresses.ts';
import type { ReachableAddresses, ServerAddress } from '../../src/provider/cloud-provider.ts';
import { aServer } from '../fakes/fake-cloud.ts';

function fixed(network: string, ip: string): ServerAddress {
  return { network, ip, version: ip.includes(':') ? 6 : 4, kind: 'fixed' };
}

function floating(network: string, ip: string): ServerAddress {
  return { network, ip, version: 4, kind: 'floating' };
}

function role(name: string, facts: Partial<CloudNetworkConfig>): CloudNetworkConfig {
  return { name, routesExternally: false, natDestination: false, defaultInterface: false, ...facts };
}

type Case = {
  readonly addresses: readonly ServerAddress[];
  readonly networks?: readonly CloudNetworkConfig[];
  readonly private?: boolean;
  readonly ipv6Preferred?: boolean;
  readonly expected: ReachableAddresses;
};

const inner = fixed('inner', '10.0.0.1');
const outer = fixed('outer', '203.0.113.1');
const v6 = fixed('outer', '2001:db8::1');

const CASES: readonly [string, Case][] = [
  ['none yet', { addresses: [], expected: {} }],
  ['one fixed address is both', { addresses: [inner], expected: { public: '10.0.0.1', private: '10.0.0.1' } }],
  [
    'a floating address beats the fixed one',
    {
      addresses: [inner, floating('inner', '203.0.113.9')],
      expected: { public: '203.0.113.9', private: '10.0.0.1' },
    },
  ],
  [
    'a network that routes externally is public, the other private',
    {
      addresses: [inner, outer],
      networks: [role('outer', { routesExternally: true }), role('inner', {})],
      expected: { public: '203.0.113.1', private: '10.0.0.1' },
    },
  ],
  [
    'the default interface beats a network that routes externally',
    {
      addresses: [outer, inner],
      networks: [role('outer', { routesExternally: true }), role('inner', { defaultInterface: true })],
      expected: { public: '10.0.0.1', private: '10.0.0.1' },
    },
  ],
  [
    'without roles the first IPv4 counts',
    { addresses: [v6, outer, inner], expected: both('203.0.113.1', '2001:db8::1') },
  ],
  [
    'a private cloud is reached by the fixed address',
    {
      addresses: [inner, floating('inner', '203.0.113.9')],
      private: true,
      expected: { public: '10.0.0.1', private: '10.0.0.1' },
    },
  ],
  [
    'a floating address alone is private too',
    { addresses: [floating('inner', '203.0.113.9')], expected: { public: '203.0.113.9', private: '203.0.113.9' } },
  ],
  [
    'IPv6 is public where it is preferred',
    {
      addresses: [inner, v6],
      ipv6Preferred: true,
      expected: { public: '2001:db8::1', private: '10.0.0.1', publicIpv6: '2001:db8::1' },
    },
  ],
  [
    'IPv4 stays public where IPv6 is preferred and missing',
    { addresses: [inner], ipv6Preferred: true, expected: { public: '10.0.0.1', private: '10.0.0.1' } },
  ],
  [
    'a link-local IPv6 address leads nowhere',
    { addresses: [fixed('inner', 'fe80::1')], ipv6Preferred: true, expected: {} },
  ],
];

function both(ip: string, publicIpv6: string): ReachableAddresses {
  return { public: ip, private: ip, publicIpv6 };
}

describe('chooseAddresses', () => {
  test.each(CASES)('%s', (_, { addresses, networks, expected, ...choice }) => {
    const chosen = chooseAddresses(aServer('srv-1', { addresses }), {
      networks: networks ?? [],
      private: choice.private ?? false,
      ipv6Preferred: choice.ipv6Preferred ?? false,
    });

    expect(chosen).toEqual(expected);
  });
});
