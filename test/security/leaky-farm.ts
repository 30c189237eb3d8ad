import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';
import type { EchoingPeer } from './echoing-peer.ts';
import { aSecret } from './secret-spellings.ts';

/** Wherever an operator can put a secret, one of its own; by name. */
export const SECRETS: ReadonlyMap<string, string> = new Map(
  [
    ...['database', 'provider', 'application', 'secure-yaml', 'environment', 'jenkins', 'token', 'admin-password'],
    ...['cloud-token', 'renewal'],
  ].map((name) => [name, aSecret(name)]),
);

export function secret(name: string): string {
  const value = SECRETS.get(name);
  if (value === undefined) throw new Error(`There is no secret "${name}"`);
  return value;
}

/** A folder with the files of a farm whose cloud and Jenkins are one echoing peer. */
export class LeakyFarm implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'np-leaks-'));
  /** A line in the middle of the nodes' private key. */
  readonly keyLine: string;
  readonly #peer: EchoingPeer;

  constructor(peer: EchoingPeer, databaseUrl: string) {
    this.#peer = peer;
    const key = makeSshKeyPair().private;
    this.keyLine = key.split('\n')[3] ?? '';
    this.#write('key', key);
    this.#write('nodepool.yaml', stringify(this.#nodepoolYaml()));
    this.#write('clouds.yaml', stringify({ clouds: this.#clouds() }));
    this.#write('secure.yaml', stringify({ clouds: { north: { auth: { password: secret('secure-yaml') } } } }));
    this.#write('secure.conf', secureConf(databaseUrl, peer.url));
    this.#teachGoodCloud();
  }

  get environment(): Readonly<Record<string, string | undefined>> {
    return {
      PATH: process.env['PATH'],
      HOME: this.folder,
      OS_CLIENT_CONFIG_FILE: join(this.folder, 'clouds.yaml'),
      OS_CLIENT_SECURE_FILE: join(this.folder, 'secure.yaml'),
      OS_AUTH_URL: `${this.#peer.url}/south/v3`,
      OS_USERNAME: 'nodepool',
      OS_PASSWORD: secret('environment'),
      OS_PROJECT_NAME: 'ci',
    };
  }

  /** The good cloud takes our token back and lets us in no more; both refusals tell what was sent. */
  revokeToken(): void {
    this.#peer.refuse(/ [/]compute[/]/, 401);
    this.#peer.refuse(/^POST [/]good[/]v3[/]auth[/]tokens$/, 503);
  }

  /** The words that run one of our programs on these files. */
  words(program: string, ...rest: readonly string[]): readonly string[] {
    return [program, '-c', join(this.folder, 'nodepool.yaml'), '-s', join(this.folder, 'secure.conf'), ...rest];
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text, { mode: 0o600 });
  }

  #nodepoolYaml(): unknown {
    const own = {
      'auth-url': `${this.#peer.url}/east/v3`,
      ...{ username: 'nodepool', 'project-name': 'ci', password: secret('provider') },
    };
    const others = ['west', 'north', 'token', 'good'].map((name) => this.#provider(name, { cloud: name }));
    return {
      cron: { cleanup: '* * * * * */5', check: '* * * * * */5' },
      'gearman-servers': [{ host: '127.0.0.1', port: 1 }],
      'zmq-publishers': ['tcp://127.0.0.1:1'],
      labels: [
        {
          name: 'unit',
          image: 'image',
          'min-ready': 2,
          providers: ['east', 'south', 'west', 'north', 'token', 'good'].map((name) => ({ name })),
        },
      ],
      providers: [this.#provider('east', own), this.#provider('south', { cloud: 'envvars' }), ...others],
      targets: [{ name: 'ci', rate: 0.001 }],
    };
  }

  #provider(name: string, login: object): object {
    const image = {
      name: 'image',
      'base-image': 'debian',
      'min-ram': 1,
      setup: 'setup.sh',
      'private-key': join(this.folder, 'key'),
    };
    return { name, ...login, 'max-servers': 2, rate: 0.001, 'ssh-port': 1, 'boot-timeout': 5, images: [image] };
  }

  #clouds(): unknown {
    const at = (name: string): object => ({ auth_url: `${this.#peer.url}/${name}/v3`, project_name: 'ci' });
    const login = { application_credential_id: 'id', application_credential_secret: secret('application') };
    return {
      west: { auth_type: 'v3applicationcredential', auth: { auth_url: `${this.#peer.url}/west/v3`, ...login } },
      north: { auth: { ...at('north'), username: 'nodepool' } },
      token: { auth_type: 'token', auth: { ...at('token'), token: secret('cloud-token') } },
      good: { auth: { ...at('good'), username: 'nodepool', password: secret('renewal') } },
    };
  }

  /** One cloud lets us in and makes servers, so that its token and a server's password are held too. */
  #teachGoodCloud(): void {
    const { url } = this.#peer;
    const service = (type: string) => ({
      type,
      name: type,
      endpoints: [{ interface: 'public', url: `${url}/${type}` }],
    });
    const times = { issued_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-02T00:00:00Z' };
    const json = { token: { ...times, project: { id: 'p' }, catalog: ['compute', 'image'].map(service) } };
    const headers = { 'x-subject-token': secret('token') };
    this.#peer.on('POST /good/v3/auth/tokens', { status: 201, json, headers });
    this.#peer.on('GET /compute/flavors/detail', {
      status: 200,
      json: { flavors: [{ id: '1', name: 'small', ram: 512 }] },
    });
    const images = [{ id: '21008f49-e8aa-4f6f-9f10-613ce2764531', name: 'debian', status: 'active' }];
    this.#peer.on('GET /image/v2/images', { status: 200, json: { images } });
    this.#peer.on('POST /compute/os-keypairs', { status: 200, json: {} });
    const made = { server: { id: 'server-1', adminPass: secret('admin-password') } };
    this.#peer.on('POST /compute/servers', { status: 202, json: made });
  }
}

function secureConf(databaseUrl: string, peer: string): string {
  const dburi = databaseUrl.replace('nodepool@', `nodepool:${encodeURIComponent(secret('database'))}@`);
  return `[database]\ndburi=${dburi}\n[jenkins "ci"]\nurl=${peer}/ci\nuser=jenkins\napikey='${secret('jenkins')}'\ncredentials=node-key\n`;
}
