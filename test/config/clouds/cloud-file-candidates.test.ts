import { expect, test } from 'vitest';
import { cloudFileCandidates } from '../../../src/config/clouds/cloud-file-candidates.ts';

test('the current folder comes first, then the home, then the site, each with three endings', () => {
  const { clouds, secure, publicClouds } = cloudFileCandidates({}, '/srv', '/home/nodepool');

  expect(clouds.slice(0, 4)).toEqual([
    '/srv/clouds.yaml',
    '/srv/clouds.yml',
    '/srv/clouds.json',
    '/home/nodepool/.config/openstack/clouds.yaml',
  ]);
  expect(clouds.slice(6)).toEqual([
    ...['yaml', 'yml', 'json'].map((ending) => `/etc/xdg/openstack/clouds.${ending}`),
    ...['yaml', 'yml', 'json'].map((ending) => `/etc/openstack/clouds.${ending}`),
  ]);
  expect(secure).toEqual(clouds.map((path) => path.replace('clouds.', 'secure.')));
  expect(publicClouds).toEqual(clouds.map((path) => path.replace('clouds.', 'clouds-public.')));
});

test('the environment names files and folders that come before', () => {
  const environment = {
    OS_CLIENT_CONFIG_FILE: '/opt/my-clouds.yaml',
    OS_CLIENT_SECURE_FILE: '/opt/my-secure.yaml',
    XDG_CONFIG_HOME: '/xdg',
    XDG_CONFIG_DIRS: '/a:/b',
  };

  const { clouds, secure } = cloudFileCandidates(environment, '/srv', '/root');

  expect(clouds[0]).toBe('/opt/my-clouds.yaml');
  expect(secure[0]).toBe('/opt/my-secure.yaml');
  expect(clouds.filter((path) => path.endsWith('/clouds.yaml'))).toEqual([
    '/srv/clouds.yaml',
    '/xdg/openstack/clouds.yaml',
    '/root/.config/openstack/clouds.yaml',
    '/a/openstack/clouds.yaml',
    '/b/openstack/clouds.yaml',
    '/etc/openstack/clouds.yaml',
  ]);
});
