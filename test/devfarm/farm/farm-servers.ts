import * as z from 'zod';
import type { FarmDoor } from './farm-door.ts';

const Servers = z.array(z.object({ id: z.string(), status: z.string(), address: z.string(), hostKey: z.string() }));

/** A server that runs, as its farm's cloud and its own sshd tell of it. */
export type FarmServer = z.output<typeof Servers>[number];

/** Boots a server in the farm's cloud, and waits until its sshd answers. */
export async function bootServer(door: FarmDoor, facts: Readonly<Record<string, string>>): Promise<FarmServer> {
  const [server] = await ask(door, ['boot', facts['keystone'] ?? '']);
  if (server === undefined) throw new Error('No server was booted');
  return server;
}

/** All servers of the farm's cloud. */
export async function serversOf(
  door: FarmDoor,
  facts: Readonly<Record<string, string>>,
): Promise<readonly FarmServer[]> {
  return await ask(door, ['list', facts['keystone'] ?? '']);
}

async function ask(door: FarmDoor, words: readonly string[]): Promise<readonly FarmServer[]> {
  const { exitCode, stdout, stderr } = await door.run('node', '--input-type=module', '-e', CLIENT, '--', ...words);
  if (exitCode !== 0) throw new Error(`The client of the cloud failed: ${stderr}`);
  return Servers.parse(JSON.parse(stdout));
}

/** By a program, since only a program can be put into the farm's network. */
const CLIENT = `
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
const [verb, keystone] = process.argv.slice(-2);
const user = { name: 'nodepool', domain: { id: 'default' }, password: 'devfarm' };
const scope = { project: { name: 'nodepool', domain: { id: 'default' } } };
const headers = { 'content-type': 'application/json' };
async function call(url, options) {
  const answer = await fetch(url, { headers, ...options });
  if (!answer.ok) throw new Error(url + ' answered ' + answer.status + ': ' + await answer.text());
  return answer;
}
const auth = { identity: { methods: ['password'], password: { user } }, scope };
const login = await call(keystone + '/auth/tokens', { method: 'POST', body: JSON.stringify({ auth }) });
headers['x-auth-token'] = login.headers.get('x-subject-token');
const { token } = await login.json();
const base = (type) => token.catalog.find((service) => service.type === type).endpoints.find((one) => one.interface === 'public').url;
const get = async (url) => (await call(url)).json();
const servers = async () => (await get(base('compute') + '/servers/detail')).servers;
if (verb === 'boot') {
  const { images: [image] } = await get(base('image').replace(/\\/$/, '') + '/v2/images?name=debian');
  const { flavors: [flavor] } = await get(base('compute') + '/flavors/detail');
  const server = { name: 'one', imageRef: image.id, flavorRef: flavor.id };
  await call(base('compute') + '/servers', { method: 'POST', body: JSON.stringify({ server }) });
  while ((await servers()).some(({ status }) => status === 'BUILD')) await sleep(50);
}
async function hostKey(address) {
  for (;;) {
    const { stdout } = spawnSync('ssh-keyscan', ['-t', 'ed25519', '-p', '22', address]);
    if (stdout.length > 0) return stdout.toString().trim();
    await sleep(50);
  }
}
const rows = (await servers()).map(async ({ id, status, addresses }) => {
  const address = Object.values(addresses)[0][0].addr;
  return { id, status, address, hostKey: await hostKey(address) };
});
console.log(JSON.stringify(await Promise.all(rows)));
`;
