import { renderTemplate } from '../config/name-template.ts';
import { newestFirst } from '../image/image-rules.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { Node } from '../node/node.ts';
import type { CreatedServer } from '../provider/cloud-provider.ts';
import { createServer } from '../provider/create-server.ts';
import { QuotaExceededError, RequestRefusedError } from '../provider/errors.ts';
import { ownerMetadata } from '../provider/owner-metadata.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { describeError } from '../runtime/errors.ts';
import { pickOne } from '../runtime/randomness.ts';
import { LaunchEndedError, LaunchError } from './launch-error.ts';
import { endedMessage, markFailed, recordLaunch } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import { retireLostImage, type UsableImage } from './retire-lost-image.ts';
import { smokedImage } from './smoke-launch.ts';
import { crashPoint } from '../runtime/crash-point.ts';

/**
 * Makes sure that the node has a server, and stores its id at once: a later crash cannot leak it.
 * @throws {LaunchError} no image is ready, or it is gone from the cloud
 * @throws {QuotaExceededError} no room; the row is dropped
 */
export async function createNodeServer(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<Node> {
  if (launch.node.externalId !== undefined) return launch.node;
  const { smokeImageId } = launch.node;
  const image = smokeImageId === undefined ? await newestImage(launch, deps) : await smokedImage(smokeImageId, deps);
  const node = await recordLaunch(launch.node, plan(launch, image, deps), deps);
  crashPoint('launch-planned');
  deps.log.info(`Creating server ${node.hostname ?? ''} for node id: ${node.id} in ${launch.provider.name}`, {
    az: node.az,
  });
  const server = await requestServer({ launch: { ...launch, node }, image }, deps, signal);
  return await storeServer({ node, externalId: server.id }, deps, signal);
}

async function newestImage(launch: Launch, deps: LaunchDeps): Promise<UsableImage> {
  const ready = await deps.images.list({ states: ['ready'], provider: launch.provider.name, image: launch.image.name });
  const usable = ready.filter((image): image is UsableImage => image.externalId !== undefined);
  const newest = usable.sort(newestFirst)[0];
  if (newest === undefined) {
    const kind = { outcome: 'error.nodepool', blames: 'nobody' } as const;
    throw new LaunchError(kind, `No image ${launch.image.name} is ready on ${launch.provider.name}`);
  }
  return newest;
}

/** What is decided before the create call. A resumed launch keeps the name and the zone that it has. */
function plan(launch: Launch, image: SnapshotImage, deps: LaunchDeps): Parameters<typeof recordLaunch>[1] {
  const { node, label, provider, target } = launch;
  const hostname =
    node.hostname ??
    renderTemplate(target.hostname, {
      'label.name': label.name,
      'label.image': label.image,
      'image.name': label.image,
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

/** A launch whose row holds the plan, and the image that it uses. */
type PlannedLaunch = { readonly launch: Launch; readonly image: UsableImage };

async function requestServer(
  { launch, image }: PlannedLaunch,
  deps: LaunchDeps,
  signal: AbortSignal,
): Promise<CreatedServer> {
  const { node, provider } = launch;
  deps.task.waitOn(`create call of ${node.hostname ?? ''}`);
  let attempts = node.attempt === undefined ? 0 : 1;
  const creation = {
    spec: serverSpec(launch, image),
    metadata: (attempt: string) => nodeMetadata(launch, attempt, deps),
    storeAttempt: async (attempt: string) => {
      await recordLaunch(node, { attempt }, deps);
      attempts += 1;
    },
    ...(node.attempt !== undefined && { earlierAttempt: node.attempt }),
    retries: provider.launchRetries,
  };
  try {
    return await createServer(creation, deps, signal);
  } catch (error) {
    if (error instanceof QuotaExceededError) await dropRow({ node, attempts, why: describeError(error) }, deps);
    if (error instanceof RequestRefusedError) await retireLostImage({ launch, image, refusal: error }, deps, signal);
    throw error;
  }
}

/** The node would count as supply. One whose earlier create call may have made a server is left to the deletion's sweep. */
async function dropRow(
  { node, attempts, why }: { readonly node: Node; readonly attempts: number; readonly why: string },
  deps: LaunchDeps,
): Promise<void> {
  const failed = await markFailed(node, why, deps); // compare-and-set: a node that was held meanwhile stays
  if (failed !== undefined && attempts <= 1) await deps.nodes.remove(failed, { who: 'launcher', why });
}

function serverSpec({ node, image, provider }: Launch, { externalId }: UsableImage): ServerSpecWithoutMetadata {
  return definedOnly({
    name: node.hostname ?? '',
    imageId: externalId,
    minRamMib: image.minRamMib,
    flavorNameFilter: image.nameFilter,
    az: node.az,
    keyName: image.keyName,
    configDrive: image.configDrive,
    securityGroups: provider.securityGroups.length > 0 ? provider.securityGroups : undefined,
  });
}

type ServerSpecWithoutMetadata = Parameters<typeof createServer>[0]['spec'];

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

type CreatedForNode = { readonly node: Node; readonly externalId: string };

async function storeServer({ node, externalId }: CreatedForNode, deps: LaunchDeps, signal: AbortSignal): Promise<Node> {
  const stored = await deps.nodes.record(node.id, {
    externalId,
    step: 'wait-active',
    stepStartedAt: deps.clock.now(),
  });
  if (stored === undefined) await discardServer({ node, externalId }, deps, signal);
  if (stored?.state !== 'building') throw new LaunchEndedError(endedMessage(node));
  crashPoint('server-stored');
  return stored;
}

/** The row went while the create call was under way, so nobody else knows this server. */
async function discardServer(
  { node, externalId }: CreatedForNode,
  deps: LaunchDeps,
  signal: AbortSignal,
): Promise<void> {
  try {
    await deps.cloud.deleteServer(externalId, signal);
  } catch (error) {
    deps.log.error(`Cannot delete server ${externalId} of node id: ${node.id}, whose row is gone`, { error });
  }
  // Its port may stay, and no row proves that it was ours.
  const why = `Server ${externalId} was made when the row was gone`;
  const note = { event: 'reaped', who: 'launcher', why, names: [externalId] };
  await deps.history.note({ ...note, subject: 'node', subjectId: node.id });
}
