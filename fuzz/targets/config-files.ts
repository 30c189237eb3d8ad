import { ConfigError } from '../../src/config/config-fault.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { fixture, fixtures } from '../fixtures.ts';

const NODEPOOL_YAML = fixture('config/smallest.yaml');
const CLOUDS = `clouds:
  east: {auth: {auth_url: 'http://keystone:5000/v3', username: nodepool, password: secret, project_name: ci}, region_name: R1}
  west:
    profile: vexxhost
    auth_type: v3applicationcredential
    auth: &login
      application_credential_id: id
      application_credential_secret: secret
    regions: [{name: a, values: {networks: [{name: n, routes_externally: true}]}}, b]
    networks: [{name: private, default_interface: true, nat_destination: false}]
  south: {<<: {verify: false}, auth: *login, image_api_use_tasks: 0}
cache: {expiration: {server: 5}, expiration_time: 10}
client: {force_ipv4: true}
`;
const SECURE_CONF = `# comment
[database]
dburi=postgresql+psycopg2://nodepool:p%40ss@db.example.org/nodepool?sslmode=disable
[jenkins "ci"]
user = "jenkins"
apikey: 'a key' ; why
credentials=id
url=https://jenkins.example.org/
  further
`;
const WORDS = [
  'name:',
  'providers:',
  'labels:',
  '- ',
  ': ',
  '&a ',
  '*a',
  '<<: *a',
  '"',
  "'",
  '|\n',
  '>\n',
  '!!python/object ',
  '? ',
];

type Files = {
  readonly yaml?: string;
  readonly secure?: string;
  readonly clouds?: string;
  readonly secureClouds?: string;
};

/** Whatever files hold, there is a configuration or there are faults, each with its place and on one line. */
function check({ yaml = NODEPOOL_YAML, secure, clouds, secureClouds }: Files): void {
  const { config, faults, warnings } = parseConfig({
    yaml: { path: 'nodepool.yaml', text: yaml },
    secure: secure === undefined ? undefined : { path: 'secure.conf', text: secure },
    clouds: {
      clouds: clouds === undefined ? undefined : { path: 'clouds.yaml', text: clouds },
      secure: secureClouds === undefined ? undefined : { path: 'secure.yaml', text: secureClouds },
    },
    environment: {},
  });
  promise((config === undefined) === faults.length > 0, 'There is neither a configuration nor a fault');
  for (const fault of [...faults, ...warnings]) {
    promise(fault.line >= 1 && fault.column >= 1, 'A fault has no place');
    promise(fault.message.length <= 501, 'A message is too long');
  }
}

export const nodepoolYaml: ByteTarget = {
  kind: 'bytes',
  name: 'nodepool-yaml',
  about: 'nodepool.yaml: a configuration or faults, never an error',
  corpus: () => [...fixtures('config', '.yaml'), Buffer.from(fixture('../../nodepool.yaml.example'))],
  words: WORDS,
  mayThrow: [ConfigError],
  feed: (input) => {
    check({ yaml: input.toString() });
  },
};

export const cloudsYaml: ByteTarget = {
  kind: 'bytes',
  name: 'clouds-yaml',
  about: 'clouds.yaml and secure.yaml',
  corpus: () => [Buffer.from(CLOUDS)],
  words: [...WORDS, 'auth:', 'regions:', 'profile:', 'clouds:'],
  mayThrow: [ConfigError],
  feed: (input) => {
    const text = input.toString();
    const yaml = NODEPOOL_YAML.replaceAll(/auth-url: \S+/g, 'cloud: east');
    check({ yaml, clouds: text });
    check({ yaml, clouds: CLOUDS, secureClouds: text });
  },
};

export const secureConf: ByteTarget = {
  kind: 'bytes',
  name: 'secure-conf',
  about: 'secure.conf',
  corpus: () => [Buffer.from(SECURE_CONF)],
  words: ['[database]', '[jenkins "', 'dburi=', '=', ':', '%', '%(x)s', '\n ', ';', '"'],
  mayThrow: [ConfigError],
  feed: (input) => {
    check({ secure: input.toString() });
  },
};
