import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Endpoints, portOf, type Proxies } from './proxies.ts';

export const LABELS = ['east', 'west'] as const;
export const TARGETS = ['ci-1', 'ci-2'] as const;
/** Nodes of each label that are ready when no job waits. */
export const MIN_READY = 2;

const API_TIMEOUT_S = 20;

/** Writes nodepool.yaml, clouds.yaml and secure.conf. */
export function writeFaultConfig(folder: string, endpoints: Endpoints, proxies: Proxies): void {
  const portTo = (peer: keyof Proxies, index = 0): number => proxies[peer][index]?.port ?? 0;
  writeFileSync(join(folder, 'nodepool.yaml'), stringify(farm(folder, { endpoints, portTo })));
  writeFileSync(join(folder, 'clouds.yaml'), stringify(clouds(endpoints, portTo)), { mode: 0o600 });
  const jenkins = [`http://127.0.0.1:${portTo('jenkins')}`, endpoints.jenkins[1]?.url ?? ''];
  writeFileSync(
    join(folder, 'secure.conf'),
    [
      '[database]',
      `dburi=postgresql://nodepool@127.0.0.1:${portTo('postgres')}/postgres`,
      ...TARGETS.flatMap((name, index) => [
        `[jenkins "${name}"]`,
        `url=${jenkins[index] ?? ''}`,
        ...['user=nodepool', 'apikey=a-token', 'credentials=node-key'],
      ]),
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
}

type Ports = (peer: keyof Proxies, index?: number) => number;

function farm(folder: string, { endpoints, portTo }: { readonly endpoints: Endpoints; readonly portTo: Ports }) {
  return {
    'script-dir': join(folder, 'scripts'),
    'gearman-servers': [{ host: '127.0.0.1', port: portTo('gearmand') }],
    'zmq-publishers': TARGETS.map((_, index) => `tcp://127.0.0.1:${portTo('zeromq', index)}`),
    labels: LABELS.map((name) => ({ name, image: imageOf(name), 'min-ready': MIN_READY, providers: [{ name }] })),
    providers: LABELS.map((name) => ({
      ...{ name, cloud: name, 'max-servers': 12, rate: 0.001, 'api-timeout': API_TIMEOUT_S },
      ...{ 'boot-timeout': 30, 'launch-timeout': 120, networks: [{ name: 'private' }] },
      'ssh-port': name === 'east' ? portTo('ssh') : endpoints.sshPort,
      images: [
        {
          ...{ name: imageOf(name), 'base-image': 'debian', 'min-ram': 512, setup: 'setup.sh', username: 'jenkins' },
          'private-key': join(folder, 'key'),
        },
      ],
    })),
    targets: TARGETS.map((name) => ({ name, rate: 0.001, hostname: '{label.name}-{provider.name}-{node_id}' })),
  };
}

function imageOf(label: string): string {
  return `${label}-image`;
}

/** East's cloud is reached through the proxies, whatever its catalogue says. */
function clouds({ cloud }: Endpoints, portTo: Ports) {
  const account = { username: 'nodepool', password: 'devfarm', project_name: 'nodepool', user_domain_id: 'default' };
  const auth = { ...account, project_domain_id: 'default' };
  const through = (url: string, port: number): string => url.replace(`:${portOf(url)}`, `:${port}`);
  return {
    clouds: {
      east: {
        region_name: 'RegionOne',
        auth: { ...auth, auth_url: `${through(cloud.identity, portTo('keystone'))}/v3` },
        compute_endpoint_override: `${through(cloud.compute, portTo('nova'))}/v2.1`,
        image_endpoint_override: through(cloud.image, portTo('glance')),
      },
      west: { region_name: 'RegionOne', auth: { ...auth, auth_url: `${cloud.identity}/v3` } },
    },
  };
}
