import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/runtime/secret.ts';
import { aNodepoolYaml, parseTexts } from '../config-texts.ts';
import { resolveTexts as resolve } from './cloud-texts.ts';

const MINE = `clouds:
  mine:
    auth:
      auth_url: https://keystone.example.org:5000/v3
      username: nodepool
      password: 0123
      project_name: ci
    region_name: RegionOne
`;

describe('which cloud', () => {
  test('the entry that the provider names; numbers are texts as the file spells them', () => {
    const { cloud, faults } = resolve({ provider: 'cloud: mine', clouds: MINE });

    expect(faults).toEqual([]);
    expect(cloud).toMatchObject({
      name: 'mine',
      authUrl: 'https://keystone.example.org:5000/v3',
      regionName: 'RegionOne',
      auth: { kind: 'password', username: 'nodepool', password: new Secret('0123'), projectName: 'ci' },
      interface: 'public',
      verify: true,
      imageFormat: 'qcow2',
      private: false,
    });
  });

  test('an entry that does not exist is a fault naming the choices', () => {
    expect(resolve({ provider: 'cloud: mime', clouds: MINE }).faults).toEqual([
      'nodepool.yaml:3 Unknown cloud "mime": clouds.yaml has "mine"',
    ]);
  });

  test('without cloud, $OS_CLOUD chooses', () => {
    expect(resolve({ clouds: MINE, environment: { OS_CLOUD: 'mine' } }).cloud?.name).toBe('mine');
  });

  test('without cloud and $OS_CLOUD, the variables of the environment are one', () => {
    const environment = {
      OS_AUTH_URL: 'http://k:5000',
      OS_USERNAME: 'u',
      OS_PASSWORD: 'p',
      OS_TENANT_NAME: 't',
      OS_INSECURE: 'True',
    };

    expect(resolve({ clouds: MINE, environment }).cloud).toMatchObject({
      name: 'envvars',
      authUrl: 'http://k:5000',
      auth: { username: 'u', projectName: 't' },
      verify: false,
    });
    expect(resolve({ clouds: MINE, environment: { ...environment, OS_CLOUD_NAME: 'shell' } }).cloud?.name).toBe(
      'shell',
    );
  });

  test('variables that only choose or belong to tests make no cloud', () => {
    const environment = { OS_REGION_NAME: 'r', OS_TEST_PATH: 'x', OS_STDOUT_CAPTURE: '1', OS_FORCE_IPV4: 'true' };

    const { cloud } = resolve({ provider: 'auth-url: http://k', clouds: MINE, environment });

    expect(cloud).toMatchObject({ name: '', forceIpv4: true });
  });

  test('without any cloud the name is "defaults", which is what NODEPOOL_CLOUD then says', () => {
    expect(resolve({ provider: 'auth-url: http://k' }).cloud?.name).toBe('defaults');
  });

  test('a provider without any address of Keystone is a fault', () => {
    expect(resolve({ provider: 'username: u' }).faults).toEqual([
      'nodepool.yaml:3 There is no address of Keystone: give "auth-url", or "auth_url" in clouds.yaml',
    ]);
  });

  test('when nobody looked for clouds.yaml, no cloud is missing', () => {
    const providers = 'providers: [{name: east, cloud: mine, max-servers: 4, images: []}]';
    const { config, faults } = parseTexts({ yaml: aNodepoolYaml({ labels: '', providers }) });

    expect(faults).toEqual([]);
    expect(config?.providers[0]?.cloud.name).toBe('mine');
  });
});

describe('what wins', () => {
  test('the provider wins over the entry, key by key', () => {
    const provider = 'cloud: mine, username: other, project-id: abc, service-name: nova2, api-timeout: 7';

    expect(resolve({ provider, clouds: `${MINE}    api_timeout: 30\n` })).toMatchObject({
      cloud: {
        auth: { username: 'other', password: new Secret('0123'), projectId: 'abc' },
        serviceNames: { compute: 'nova2' },
      },
      provider: { apiTimeoutMs: 7000 },
    });
  });

  test('a provider with a project id does not inherit the project name', () => {
    const { cloud } = resolve({ provider: 'cloud: mine, project-id: abc', clouds: MINE });

    expect(cloud?.auth).not.toHaveProperty('projectName');
  });

  test('secure.yaml is laid over clouds.yaml', () => {
    const { cloud } = resolve({
      provider: 'cloud: mine',
      clouds: MINE,
      secure: 'clouds: {mine: {auth: {password: real}}}',
    });

    expect(cloud?.auth).toMatchObject({ username: 'nodepool', password: new Secret('real') });
  });

  test('keys of auth may stand one level up and are weaker there; old names are weaker than new ones', () => {
    const clouds =
      'clouds: {a: {auth: {auth-url: http://k, username: in, tenant_name: old}, username: up, project_name: new, domain-id: d}}';

    expect(resolve({ provider: 'cloud: a', clouds }).cloud?.auth).toMatchObject({
      username: 'in',
      projectName: 'new',
      userDomainId: 'd',
      projectDomainId: 'd',
    });
  });

  test('image type and API timeout come from the cloud if the provider has none', () => {
    const clouds = `${MINE}    image_format: raw\n    api_timeout: '30'\n`;

    expect(resolve({ provider: 'cloud: mine', clouds }).provider).toMatchObject({
      imageType: 'raw',
      apiTimeoutMs: 30_000,
    });
    expect(resolve({ provider: 'cloud: mine, image-type: vhd', clouds }).provider?.imageType).toBe('vhd');
  });
});

describe('profiles and regions', () => {
  test('a vendor profile gives what the entry leaves out', () => {
    const clouds =
      'clouds: {rax: {profile: rackspace, auth: {username: u, password: p, project_id: "1"}, image_format: raw}}';

    expect(resolve({ provider: 'cloud: rax, region-name: IAD', clouds }).cloud).toMatchObject({
      authUrl: 'https://identity.api.rackspacecloud.com/v2.0/',
      regionName: 'IAD',
      imageFormat: 'raw',
      imageApiUseTasks: true,
      hasNetworkService: false,
      floatingIpSource: 'none',
      serviceNames: { compute: 'cloudServersOpenStack' },
    });
  });

  test('an unknown profile is a warning; clouds-public.yaml brings profiles of its own', () => {
    const clouds = 'clouds: {a: {cloud: house, auth: {username: u, auth_url: http://k}}}';

    expect(resolve({ provider: 'cloud: a', clouds }).warnings).toEqual([
      'clouds.yaml:1 Unknown vendor profile "house" is ignored',
    ]);
    const publicClouds = 'public-clouds: {house: {auth: {user_domain_id: d}, image-format: vhd}}';
    expect(resolve({ provider: 'cloud: a', clouds, publicClouds }).cloud).toMatchObject({
      imageFormat: 'vhd',
      auth: { userDomainId: 'd' },
    });
  });

  test('the first region is taken, and its values win', () => {
    const clouds =
      'clouds: {a: {auth: {auth_url: "http://{region_name}.k"}, regions: [{name: r1, values: {verify: false}}, r2]}}';

    expect(resolve({ provider: 'cloud: a', clouds }).cloud).toMatchObject({
      regionName: 'r1',
      verify: false,
      authUrl: 'http://r1.k',
    });
    expect(resolve({ provider: 'cloud: a, region-name: r2', clouds }).cloud).toMatchObject({
      regionName: 'r2',
      verify: true,
    });
  });

  test('a region that is not in the list is a fault naming the choices', () => {
    const clouds = 'clouds: {a: {auth: {auth_url: http://k}, regions: [r1, r2]}}';

    expect(resolve({ provider: 'cloud: a, region-name: R1', clouds }).faults).toEqual([
      'nodepool.yaml:3 Cloud "a" has no region "R1": it has "r1", "r2"',
    ]);
  });
});
