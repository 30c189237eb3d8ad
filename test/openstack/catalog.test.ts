import { describe, expect, test } from 'vitest';
import type { CloudConfig } from '../../src/config/config.ts';
import { Catalog, endpointOf, type ServiceName } from '../../src/openstack/catalog.ts';
import { aCloud } from './a-provider.ts';
import { recorded } from './replay-cloud.ts';

const { token } = recorded('login') as { token: { catalog: unknown } };
const catalog = Catalog.parse(token.catalog);

function anEndpoint(facts: Partial<Catalog[number]['endpoints'][number]>): Catalog[number]['endpoints'][number] {
  return { interface: 'public', region: 'R1', url: 'http://r1.example/v2.1', ...facts };
}

describe('endpointOf', () => {
  test('takes the url of an object store as it is: its version is no end, and the account follows', () => {
    const url = 'https://storage.example/v1/AUTH_7';
    const store: Catalog = [{ type: 'object-store', endpoints: [anEndpoint({ url })] }];

    expect(endpointOf('object_store', store, aCloud('', { regionName: 'R1' }))).toBe(url);
    expect(() => endpointOf('object_store', [], aCloud(''))).toThrow('Cannot find the "object-store" service');
  });

  test.each([
    ['compute', 'http://<HOST>:8774/v2.1'],
    ['image', 'http://<HOST>:9292/v2'],
    ['network', 'http://<HOST>:9696/v2.0'],
  ] as [ServiceName, string][])('finds %s in a recorded catalogue', (service, url) => {
    expect(endpointOf(service, catalog, aCloud('', { regionName: 'RegionOne' }))).toBe(url);
  });

  test.each([
    ['another region', { regionName: 'R2' }, 'http://r2.example/v2.1'],
    ['another interface', { regionName: 'R1', interface: 'internal' }, 'http://inner.example/v2.1'],
    ['a service name', { serviceNames: { compute: 'other' } }, 'http://other.example/v2.1'],
    ['a service type', { serviceTypes: { compute: 'computev21' } }, 'http://typed.example/v2.1'],
    ['an override', { endpointOverrides: { compute: 'http://mine.example/v2.1/' } }, 'http://mine.example/v2.1'],
  ] as [string, Partial<CloudConfig>, string][])('honours %s', (_, wanted, url) => {
    const several: Catalog = [
      {
        type: 'compute',
        name: 'nova',
        endpoints: [
          anEndpoint({ interface: 'internal', url: 'http://inner.example/v2.1' }),
          anEndpoint({}),
          anEndpoint({ region: null, region_id: 'R2', url: 'http://r2.example/v2.1/' }),
        ],
      },
      { type: 'compute', name: 'other', endpoints: [anEndpoint({ url: 'http://other.example/v2.1' })] },
      { type: 'computev21', endpoints: [anEndpoint({ url: 'http://typed.example/v2.1' })] },
    ];

    expect(endpointOf('compute', several, aCloud('', wanted))).toBe(url);
  });

  test.each([
    ['http://x/', 'http://x/v2'],
    ['http://x/v2/', 'http://x/v2'],
    ['http://x/v1', 'http://x/v2'],
    ['http://x/image', 'http://x/image/v2'],
  ])('completes the image url %s', (url, expected) => {
    const images: Catalog = [{ type: 'image', endpoints: [anEndpoint({ url })] }];

    expect(endpointOf('image', images, aCloud(''))).toBe(expected);
  });

  test('names the choices where nothing fits', () => {
    expect(() => endpointOf('compute', catalog, aCloud('', { regionName: 'Nowhere' }))).toThrow(
      /service of cloud "cloud" for region "Nowhere", interface "public": it has nova\/RegionOne/,
    );
  });

  test('asks for the project where the catalogue is empty, as after a login without one', () => {
    expect(() => endpointOf('compute', [], aCloud(''))).toThrow(/do the credentials name a project\?/);
  });
});
