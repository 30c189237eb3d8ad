import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** Keys of nodepool.yaml, as an operator writes them. */
export type Section = Readonly<Record<string, unknown>>;

/** What differs from the farm's plain configuration. */
export type ConfigChanges = {
  readonly top?: Section;
  readonly label?: Section;
  readonly provider?: Section;
  readonly image?: Section;
  readonly target?: Section;
  /** Beside the plain one. */
  readonly moreLabels?: readonly Section[];
  readonly moreProviders?: readonly Section[];
  /** Like the first provider but for these keys. */
  readonly twins?: readonly Section[];
};

/** What the configuration says of the farm's peers. */
export type ConfigFacts = {
  readonly folder: string;
  readonly gearmanPort: number;
  readonly zmqEndpoint: string;
  readonly authUrl: string;
  readonly sshPort: number;
  readonly jenkinsUrl: string;
  /** Absent: Nodepool keeps a database of its own. */
  readonly databaseUrl: string | undefined;
};

/** What the farm's things are called. */
export const NAMES = {
  label: 'unit',
  image: 'unit-image',
  provider: 'cloud',
  target: 'ci',
  job: 'gate-unit',
  user: 'nodepool',
  token: 'a-token',
} as const;

const SETUP = `#!/bin/bash
set -eu
useradd --create-home --shell /bin/bash jenkins
install -d -m 700 -o jenkins -g jenkins /home/jenkins/.ssh
echo "$NODEPOOL_SSH_KEY" >/home/jenkins/.ssh/authorized_keys
chown jenkins: /home/jenkins/.ssh/authorized_keys
`;

/** Marks each of its runs, so that a second one on the same machine shows. */
const READY = `#!/bin/bash
set -eu
echo "$1" >>/tmp/ready-runs
`;

/** Writes nodepool.yaml, secure.conf and the scripts. */
export function writeFarmConfig(facts: ConfigFacts, changes: ConfigChanges = {}): void {
  writeFileSync(
    join(facts.folder, 'nodepool.yaml'),
    stringify(farmConfig(facts, changes), { aliasDuplicateObjects: false }),
  );
  writeFileSync(join(facts.folder, 'secure.conf'), secureConf(facts), { mode: 0o600 });
}

export function writeFarmScripts(folder: string): void {
  writeScript(folder, 'setup.sh', SETUP);
  writeScript(folder, 'ready.sh', READY);
}

export function writeScript(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, 'scripts', name), text, { mode: 0o755 });
}

function farmConfig(facts: ConfigFacts, changes: ConfigChanges): Section {
  const provider = { ...providerSection(facts, changes.image), ...changes.provider };
  const twins = (changes.twins ?? []).map((twin) => ({ ...provider, ...twin }));
  return {
    'script-dir': join(facts.folder, 'scripts'),
    'gearman-servers': [{ host: '127.0.0.1', port: facts.gearmanPort }],
    'zmq-publishers': [facts.zmqEndpoint],
    labels: [
      {
        name: NAMES.label,
        image: NAMES.image,
        'min-ready': 1,
        'ready-script': 'ready.sh',
        providers: [{ name: NAMES.provider }],
        ...changes.label,
      },
      ...(changes.moreLabels ?? []),
    ],
    providers: [provider, ...twins, ...(changes.moreProviders ?? [])],
    targets: [
      { name: NAMES.target, rate: 0.001, hostname: '{label.name}-{provider.name}-{node_id}', ...changes.target },
    ],
    ...changes.top,
  };
}

function providerSection(facts: ConfigFacts, image: Section | undefined): Section {
  return {
    name: NAMES.provider,
    'auth-url': facts.authUrl,
    username: NAMES.user,
    password: 'devfarm',
    'project-name': 'nodepool',
    'region-name': 'RegionOne',
    'max-servers': 10,
    rate: 0.001,
    'boot-timeout': 30,
    'launch-timeout': 60,
    'ssh-port': facts.sshPort,
    networks: [{ name: 'private' }],
    images: [
      {
        name: NAMES.image,
        'base-image': 'debian',
        'min-ram': 512,
        setup: 'setup.sh',
        username: 'jenkins',
        'private-key': join(facts.folder, 'key'),
        ...image,
      },
    ],
  };
}

function secureConf({ databaseUrl, jenkinsUrl }: ConfigFacts): string {
  const database = databaseUrl === undefined ? '' : `[database]\ndburi=${databaseUrl}\n`;
  return `${database}[jenkins "${NAMES.target}"]
url=${jenkinsUrl}
user=${NAMES.user}
apikey=${NAMES.token}
credentials=node-key
`;
}
