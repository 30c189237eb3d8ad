import { readdirSync } from 'node:fs';
import { request } from 'undici';
import { z } from 'zod';
import type { SnapshotImage } from '../src/image/snapshot-image.ts';
import { LEADER_ROLES } from '../src/node/daemon-store.ts';
import type { Node } from '../src/node/node.ts';
import { NAMES } from '../test/integration/farm-config.ts';
import { type CrashFarm, MIN_READY } from './crash-farm.ts';

const Named = z.object({ id: z.string(), name: z.string() });
const Overview = z.object({
  servers: z.array(Named),
  images: z.array(Named),
  keypairs: z.array(z.string()),
  ports: z.array(z.object({ id: z.string(), device_id: z.string().nullable() })),
  floating_ips: z.array(z.object({ address: z.string(), port_id: z.string().nullable() })),
});
const Computers = z.object({ computer: z.array(z.object({ displayName: z.string(), offline: z.boolean() })) });

/** The current image and the one before. */
const KEPT_IMAGES = 2;
/** What Nodepool keeps in its state directory. */
const KNOWN_FILES: readonly string[] = ['postgres'];

/** What a quiet farm has and nobody owns, and what stands still in it: nothing, if all promises are kept. */
export async function findLeftovers(farm: CrashFarm): Promise<readonly string[]> {
  const { nodes, images } = farm.database.tables;
  const [cloud, agents] = [await overviewOf(farm), await agentsOf(farm)];
  const rows = { nodes: await nodes.list(), images: await images.list() };
  return [
    ...rows.nodes.flatMap((node) => complaintAbout(node, agents) ?? []),
    ...rows.images.flatMap((image) => complaintAboutImage(image) ?? []),
    // More may be there: they were launched for jobs that others ran.
    ...(rows.nodes.length >= MIN_READY ? [] : [`There are ${rows.nodes.length} nodes instead of ${MIN_READY}`]),
    ...(rows.images.length <= KEPT_IMAGES ? [] : [`There are ${rows.images.length} images`]),
    ...ownerless(cloud, rows),
    ...unattached(cloud),
    ...(await complaintsAboutDaemons(farm)),
    ...agentsWithoutNode(agents, rows.nodes),
    ...filesOf(farm).map((name) => `File ${name} has no owner`),
  ];
}

function complaintAbout(node: Node, agents: z.output<typeof Computers>['computer']): string | undefined {
  const { id, state, step, nodename } = node;
  if (state !== 'ready') return `Node ${id} is stuck in ${state}${step === undefined ? '' : ` at ${step}`}`;
  if (node.registeredAt === undefined) return `Node ${id} is not registered`;
  const agent = agents.find(({ displayName }) => displayName === nodename);
  if (agent === undefined) return `Node ${id} has no agent`;
  return agent.offline ? `The agent of node ${id} is offline` : undefined;
}

function complaintAboutImage({ id, state, step, serverExternalId }: SnapshotImage): string | undefined {
  if (state !== 'ready') return `Image ${id} is stuck in ${state} at ${step ?? 'no step'}`;
  return serverExternalId === undefined ? undefined : `Image ${id} still has its build server`;
}

type Rows = { readonly nodes: readonly Node[]; readonly images: readonly SnapshotImage[] };

function ownerless(cloud: z.output<typeof Overview>, rows: Rows): readonly string[] {
  const [servers, images] = [rows.nodes, rows.images].map((each) => new Set(each.map(({ externalId }) => externalId)));
  const inCloud = new Set([...cloud.servers, ...cloud.images].map(({ id }) => id));
  return [
    ...cloud.servers.filter(({ id }) => servers?.has(id) === false).map(({ name }) => `Server ${name} has no owner`),
    ...cloud.images.filter(({ id }) => images?.has(id) === false).map(({ name }) => `Image ${name} has no owner`),
    ...cloud.keypairs.map((name) => `Keypair ${name} has no owner`),
    ...rows.nodes.filter(({ externalId = '' }) => !inCloud.has(externalId)).map(({ id }) => `Node ${id} has no server`),
    ...rows.images.filter(({ externalId = '' }) => !inCloud.has(externalId)).map(({ id }) => `Row ${id} has no image`),
  ];
}

/** Ports go with their server; a floating address would cost money for nothing. */
function unattached({ servers, ports, floating_ips: floatingIps }: z.output<typeof Overview>): readonly string[] {
  const [devices, known] = [new Set(servers.map(({ id }) => id)), new Set(ports.map(({ id }) => id))];
  return [
    ...ports.filter(({ device_id: id }) => !devices.has(id ?? '')).map(({ id }) => `Port ${id} has no server`),
    ...floatingIps
      .filter(({ port_id: id }) => !known.has(id ?? ''))
      .map(({ address }) => `Floating IP ${address} has no port`),
  ];
}

/** The daemons that the tables take for alive are those that are, and one of them leads each thing. */
async function complaintsAboutDaemons({ database, pids: alive }: CrashFarm): Promise<readonly string[]> {
  const living = (await database.tables.daemons.list()).filter(({ endedAt }) => endedAt === undefined);
  const leaderships = await database.leaderships();
  const ids = new Set(living.map(({ id }) => id));
  const led = new Set<string>(leaderships.map(({ role }) => role));
  return [
    ...living.filter(({ pid }) => !alive.includes(pid)).map(({ number }) => `Daemon ${number} is taken for alive`),
    ...alive.filter((pid) => living.every((each) => each.pid !== pid)).map((pid) => `Daemon ${pid} is in no table`),
    ...leaderships.filter(({ daemonId }) => !ids.has(daemonId)).map(({ role }) => `A dead daemon leads ${role}`),
    ...LEADER_ROLES.filter((role) => !led.has(role)).map((role) => `Nobody leads ${role}`),
  ];
}

function agentsWithoutNode(agents: z.output<typeof Computers>['computer'], nodes: readonly Node[]): readonly string[] {
  const known = new Set(nodes.map(({ nodename }) => nodename));
  const strays = agents.filter(({ displayName }) => !known.has(displayName));
  return strays.map(({ displayName }) => `Agent ${displayName} has no owner`);
}

function filesOf({ stateDir }: CrashFarm): readonly string[] {
  return readdirSync(stateDir).filter((name) => !KNOWN_FILES.includes(name));
}

/** What the cloud has of all projects, but for its own images. */
export async function overviewOf({ peers }: Pick<CrashFarm, 'peers'>): Promise<z.output<typeof Overview>> {
  const { body } = await request(`${peers.cloud.origin}/_devfarm/servers`);
  return Overview.parse(await body.json());
}

async function agentsOf({ peers }: CrashFarm): Promise<z.output<typeof Computers>['computer']> {
  const authorization = `Basic ${Buffer.from(`${NAMES.user}:${NAMES.token}`).toString('base64')}`;
  const { body } = await request(`${peers.jenkins.url}/computer/api/json`, { headers: { authorization } });
  const { computer } = Computers.parse(await body.json());
  return computer.filter(({ displayName }) => displayName.startsWith(`${NAMES.label}-`));
}
