import { renderTemplate } from '../config/name-template.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { Node } from '../node/node.ts';
import { createServer } from '../provider/create-server.ts';
import { ownerMetadata } from '../provider/owner-metadata.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { pickOne } from '../runtime/randomness.ts';
import { LaunchEndedError, LaunchError } from './launch-error.ts';
import { endedMessage, recordLaunch } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';

/** Makes sure that the node has a server, and stores its id at once: a later crash cannot leak it. */
export async function createNodeServer(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<Node> {
  if (launch.node.externalId !== undefined) return launch.node;
  const image = await newestImage(launch, deps);
  const node = await recordLaunch(launch.node, plan(launch, image, deps), deps);
  const hostname = node.hostname ?? '';
  deps.log.info(`Creating server ${hostname} for node id: ${node.id} in ${launch.provider.name}`, { az: node.az });
  deps.task.waitOn(`create call of ${hostname}`);
  const server = await createServer(
    {
      spec: serverSpec(launch, { hostname, imageId: image.externalId, az: node.az }),
      metadata: (attempt) => nodeMetadata(launch, attempt, deps),
      storeAttempt: async (attempt) => {
        await recordLaunch(node, { attempt }, deps);
      },
      ...(launch.node.attempt !== undefined && { earlierAttempt: launch.node.attempt }),
      retries: launch.provider.launchRetries,
    },
    deps,
    signal,
  );
  return await storeServer({ node, externalId: server.id }, deps, signal);
}

type UsableImage = SnapshotImage & { readonly externalId: string };

async function newestImage(launch: Launch, deps: LaunchDeps): Promise<UsableImage> {
  const ready = await deps.images.list({ states: ['ready'], provider: launch.provider.name, image: launch.image.name });
  const usable = ready.filter((image): image is UsableImage => image.externalId !== undefined);
  const newest = usable.sort((a, b) => (b.version ?? 0) - (a.version ?? 0))[0];
  if (newest === undefined) {
    throw new LaunchError('error.nodepool', `No image ${launch.image.name} is ready on ${launch.provider.name}`);
  }
  return newest;
}

/** What is decided before the create call. A resumed launch keeps the name and the zone that it has. */
function plan(launch: Launch, image: UsableImage, deps: LaunchDeps): Parameters<typeof recordLaunch>[1] {
  const { node, label, provider, target } = launch;
  const hostname =
    node.hostname ??
    renderTemplate(target.hostname, {
      'label.name': label.name,
      'label.image': label.image,
      'provider.name': provider.name,
      'provider.region_name': provider.cloud.regionName ?? '',
      node_id: String(node.id),
      timestamp: String(Math.floor(deps.clock.now().getTime() / 1000)),
    });
  return definedOnly({
    step: 'create-server' as const,
    stepStartedAt: deps.clock.now(),
    imageId: image.id,
    hostname,
    nodename: nodenameOf(hostname),
    az: node.az ?? pickOne(provider.availabilityZones, deps.randomness),
  });
}

/** The agent's name: the server's name up to its first dot (upstream: launchNode). */
export function nodenameOf(hostname: string): string {
  return hostname.split('.')[0] ?? hostname;
}

function serverSpec(
  { image, provider }: Launch,
  chosen: { readonly hostname: string; readonly imageId: string; readonly az: string | undefined },
): Parameters<typeof createServer>[0]['spec'] {
  return definedOnly({
    name: chosen.hostname,
    imageId: chosen.imageId,
    minRamMib: image.minRamMib,
    flavorNameFilter: image.nameFilter,
    az: chosen.az,
    keyName: image.keyName,
    configDrive: image.configDrive,
    securityGroups: provider.securityGroups.length > 0 ? provider.securityGroups : undefined,
  });
}

function nodeMetadata(launch: Launch, attempt: string, deps: LaunchDeps): Record<string, string> {
  return ownerMetadata({
    kind: 'node',
    nodeId: launch.node.id,
    label: launch.label.name,
    provider: launch.provider.name,
    image: launch.image.name,
    attempt,
    installation: deps.installationId,
    ...(launch.provider.nodepoolId !== undefined && { nodepoolId: launch.provider.nodepoolId }),
  });
}

async function storeServer(
  { node, externalId }: { readonly node: Node; readonly externalId: string },
  deps: LaunchDeps,
  signal: AbortSignal,
): Promise<Node> {
  const stored = await deps.nodes.record(node.id, {
    externalId,
    step: 'wait-active',
    stepStartedAt: deps.clock.now(),
  });
  // The row went while the create call was under way, so nobody else knows this server.
  if (stored === undefined) await deps.cloud.deleteServer(externalId, signal);
  if (stored?.state !== 'building') {
    throw new LaunchEndedError(endedMessage(node));
  }
  return stored;
}
