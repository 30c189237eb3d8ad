import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/runtime/secret.ts';
import { resolveTexts as resolve } from './cloud-texts.ts';

describe('the rest of an entry', () => {
  test.each([
    [
      'auth_type: v3applicationcredential, application_credential_id: i, application_credential_secret: s',
      { kind: 'application-credential', id: 'i', secret: new Secret('s') },
    ],
    ['auth_type: token, token: t, project_id: p', { kind: 'token', token: new Secret('t'), projectId: 'p' }],
    ['auth_token: t', { kind: 'token', token: new Secret('t') }],
    ['auth_type: v2password, username: u, password: p', { kind: 'password', username: 'u' }],
  ])('%s', (keys, auth) => {
    const { cloud } = resolve({ provider: 'cloud: a', clouds: `clouds: {a: {auth_url: http://k, ${keys}}}` });

    expect(cloud?.auth).toMatchObject(auth);
  });

  test('endpoints, networks, caches and certificates are read in old and new spellings', () => {
    const clouds = `client: {force_ipv4: true}
cache: {max-age: 30, expiration: {server: 5}}
clouds:
  a:
    auth: {auth_url: http://k}
    identity_api_version: 3
    endpoint_type: internalURL
    insecure: true
    cacert: /etc/ca.pem
    cert: /etc/cert.pem
    key: /etc/key.pem
    image-endpoint-override: http://glance/{region_name}
    volume_service_name: cinder
    network_service_type: network2
    region_name: r
    private: true
    floating_ip_source: None
    networks: [{name: pub, routes-externally: true}, {name: priv, nat_destination: true, default_interface: true}]
    some_other_program: {x: 1}
`;

    const { cloud, warnings } = resolve({ provider: 'cloud: a', clouds });

    expect(warnings).toEqual([]);
    expect(cloud).toMatchObject({
      identityApiVersion: '3',
      interface: 'internal',
      verify: false,
      cacert: '/etc/ca.pem',
      cert: '/etc/cert.pem',
      key: '/etc/key.pem',
      endpointOverrides: { image: 'http://glance/r' },
      serviceNames: { volume: 'cinder' },
      serviceTypes: { network: 'network2' },
      private: true,
      floatingIpSource: 'none',
      forceIpv4: true,
      serverListAgeMs: 5000,
      networks: [
        { name: 'pub', routesExternally: true, natDestination: false, defaultInterface: false },
        { name: 'priv', routesExternally: false, natDestination: true, defaultInterface: true },
      ],
    });
  });

  test('the older external_network and internal_network become entries of networks', () => {
    const clouds = 'clouds: {a: {auth_url: http://k, external_network: out, internal_network: in}}';

    expect(resolve({ provider: 'cloud: a', clouds }).cloud?.networks).toMatchObject([
      { name: 'out', routesExternally: true, defaultInterface: true },
      { name: 'in', natDestination: true },
    ]);
  });

  test.each([
    ['verify: maybe', 'clouds.yaml:1 Expected true or false, found the text "maybe"'],
    ['auth: [x]', 'clouds.yaml:1 Expected a map, found a list'],
    ['auth_type: kerberos', 'Unknown auth_type "kerberos"'],
    ['auth_type: token', 'Required key "token" is missing'],
    ['interface: private', 'Expected "public", "internal" or "admin"'],
    ['floating_ip_source: moon', 'Expected "neutron", "nova" or "None"'],
    ['networks: [{}]', 'Required key "name" is missing'],
  ])('%s is a fault', (keys, message) => {
    const { faults } = resolve({ provider: 'cloud: a', clouds: `clouds: {a: {auth_url: http://k, ${keys}}}` });

    expect(faults.join()).toContain(message);
  });
});
