import { parseConfig } from '../../src/config/parse-config.ts';
import type { Config } from '../../src/config/config.ts';

/** A farm to be measured, as its configuration says it. Names are `label-1`, `provider-1`, `target-1`, `image-1`. */
export type FarmSize = {
  readonly labels: number;
  readonly providers: number;
  readonly targets: number;
  readonly maxServers: number;
  readonly minReady: number;
  readonly authUrl?: string;
  /** One for each target; without, targets have no Jenkins. */
  readonly jenkinsUrls?: readonly string[];
  readonly gearmanPort?: number;
  readonly zmqEndpoint?: string;
  readonly databaseUrl?: string;
  /** Each provider has a project of its own, `nodepool-1` and so on. Default: all share one. */
  readonly hasOwnProjects?: boolean;
  /** How images are made: snapshots by a setup script, or uploads of `dib-1` and so on. Default: by nobody. */
  readonly imagesBy?: 'setup' | 'diskimage';
};

export const BENCH_ACCOUNT = { user: 'nodepool', password: 'devfarm', project: 'nodepool', token: 'bench-token' };

/** The farm's nodepool.yaml. Each label has an image of its own, which every provider has. */
export function farmYaml(farm: FarmSize): string {
  return [
    'script-dir: /nowhere',
    ...(farm.databaseUrl === undefined ? [] : [`dburi: ${JSON.stringify(farm.databaseUrl)}`]),
    // Not while we measure.
    "cron:\n  image-update: '0 0 1 1 *'\n  check: '0 0 1 1 *'",
    ...(farm.gearmanPort === undefined ? [] : [`gearman-servers:\n  - host: 127.0.0.1\n    port: ${farm.gearmanPort}`]),
    ...(farm.zmqEndpoint === undefined ? [] : [`zmq-publishers:\n  - ${farm.zmqEndpoint}`]),
    ...(farm.imagesBy === 'diskimage' ? ['diskimages:', ...numbers(farm.labels).map((n) => `  - name: dib-${n}`)] : []),
    'labels:',
    ...numbers(farm.labels).map((n) => labelYaml(n, farm)),
    'providers:',
    ...numbers(farm.providers).map((n) => providerYaml(n, farm)),
    'targets:',
    ...numbers(farm.targets).map((n) => targetYaml(n, farm)),
    '',
  ].join('\n');
}

/** The farm's configuration, read as the daemon reads it. */
export function farmConfig(farm: FarmSize): Config {
  const { config, faults } = parseConfig({ yaml: { path: 'bench.yaml', text: farmYaml(farm) }, environment: {} });
  if (config === undefined) throw new Error(`The bench's own configuration is wrong: ${JSON.stringify(faults[0])}`);
  return config;
}

function labelYaml(n: number, farm: FarmSize): string {
  const providers = numbers(farm.providers).map((p) => `{name: provider-${p}}`);
  return `  - {name: label-${n}, image: image-${n}, min-ready: ${farm.minReady}, providers: [${providers.join(', ')}]}`;
}

function providerYaml(n: number, farm: FarmSize): string {
  const { labels, maxServers, authUrl, hasOwnProjects = false, imagesBy } = farm;
  const { user, password } = BENCH_ACCOUNT;
  const project = hasOwnProjects ? projectOf(n) : BENCH_ACCOUNT.project;
  const images = numbers(labels).map(
    (i) =>
      `      - {name: image-${i}, ${sourceOf(i, imagesBy)}, min-ram: 512, username: jenkins, private-key: /nowhere/key}`,
  );
  return `  - name: provider-${n}
    auth-url: ${authUrl ?? 'http://127.0.0.1:9/v3'}
    username: ${user}
    password: ${password}
    project-name: ${project}
    region-name: RegionOne
    networks: [{name: private}]
    max-servers: ${maxServers}
    rate: 0.001
    images:
${images.join('\n')}`;
}

function sourceOf(image: number, by: FarmSize['imagesBy']): string {
  if (by === 'diskimage') return `diskimage: dib-${image}`;
  return `base-image: base-test${by === 'setup' ? ', setup: prepare.sh' : ''}`;
}

/** The project of the n-th provider, where each has its own. */
export function projectOf(n: number): string {
  return `${BENCH_ACCOUNT.project}-${n}`;
}

function targetYaml(n: number, { jenkinsUrls }: FarmSize): string {
  const url = jenkinsUrls?.[n - 1];
  const { user, token } = BENCH_ACCOUNT;
  const jenkins =
    url === undefined ? '' : `\n    jenkins: {url: '${url}', user: ${user}, apikey: ${token}, credentials-id: key}`;
  return `  - name: target-${n}
    rate: 0.001
    hostname: '{label.name}-{provider.name}-{node_id}'${jenkins}`;
}

/** 1 … n. */
export function numbers(n: number): readonly number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}
