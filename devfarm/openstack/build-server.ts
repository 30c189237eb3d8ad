import { createHash } from 'node:crypto';
import { asError } from '../../src/runtime/errors.ts';
import type { ImageRecord, NetworkRecord, ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import type { ImageUpload } from './machine-backend.ts';
import { claimPort, makeServerPort } from './port-book.ts';
import { countServer } from './project-usage.ts';
import type { FaultEffect } from './fault-rule.ts';

/** The code in the fault of a server that found its project's quota full. */
const OVER_QUOTA = 413;

type Place = { readonly zone: string; readonly host: string };

export type BuildDeps = {
  readonly cloud: Cloud;
  readonly effect: FaultEffect;
};

/**
 * Takes a server from BUILD/scheduling to ACTIVE or ERROR, through the task states that Nova shows on the way.
 * They are kept in memory only: after a restart the build begins again, and the backend keeps what it has started.
 */
export async function buildServer(serverId: string, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  const { cloud, effect } = deps;
  const server = cloud.servers.find(serverId);
  if (server === undefined) return;
  const ms = effect.buildMs ?? cloud.timings.buildMs;
  await cloud.deps.clock.sleep(ms * 0.1, signal);
  const excess = countServer(server, cloud) ?? burstExcess(effect);
  if (excess === undefined) await placeServer(server, { ...deps, ms }, signal);
  else await fail(server, { message: excess, code: OVER_QUOTA }, cloud);
}

/** What Nova says when others took the room while the server waited for its turn; undefined: no rule asks for that. */
function burstExcess({ buildFails, buildFailsBy }: FaultEffect): string | undefined {
  if (buildFailsBy !== 'quota') return undefined;
  return buildFails ?? 'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances';
}

/** Tries hosts until one has it running. */
async function placeServer(
  server: ServerRecord,
  deps: BuildDeps & { readonly ms: number },
  signal: AbortSignal,
): Promise<void> {
  const { cloud, effect, ms } = deps;
  const serverId = server.id;
  const places = effect.buildFailsBy === 'no-valid-host' ? [] : placesFor(server, cloud);
  const tries = effect.buildFailsBy === 'reschedule' ? places : places.slice(0, 1);
  for (const [nth, place] of tries.entries()) {
    if (nth > 0) await returnToScheduling(server, ms, { cloud, signal });
    const failure = await tryHost(server, { ...deps, place }, signal);
    if (failure === undefined) return;
    if (effect.buildFailsBy !== 'reschedule') {
      await fail(server, { message: `Build of instance ${serverId} aborted: ${failure}` }, cloud);
      return;
    }
  }
  await fail(server, { message: tries.length > 0 ? exhausted(serverId) : 'No valid host was found. ' }, cloud);
}

function exhausted(serverId: string): string {
  const reason = `Exhausted all hosts available for retrying build failures for instance ${serverId}.`;
  return `Exceeded maximum number of retries. ${reason}`;
}

async function returnToScheduling(
  server: ServerRecord,
  ms: number,
  deps: { readonly cloud: Cloud; readonly signal: AbortSignal },
): Promise<void> {
  const { cloud, signal } = deps;
  await cloud.deps.backend.delete(server.id);
  cloud.servers.drift(server.id, { taskState: 'scheduling', zone: '', host: '', hostId: '', updatedAt: cloud.nowMs });
  await cloud.deps.clock.sleep(ms * 0.1, signal);
}

type HostTry = BuildDeps & { readonly place: Place; readonly ms: number };

/** What went wrong on this host; undefined: the server is ACTIVE. */
async function tryHost(server: ServerRecord, attempt: HostTry, signal: AbortSignal): Promise<string | undefined> {
  const { cloud, effect, place, ms } = attempt;
  const sleep = (part: number): Promise<void> => cloud.deps.clock.sleep(ms * part, signal);
  cloud.servers.drift(server.id, { zone: place.zone });
  await sleep(0.05);
  cloud.servers.drift(server.id, { taskState: null });
  await sleep(0.05);
  const hostId = createHash('sha224').update(`${server.projectId}${place.host}`).digest('hex');
  cloud.servers.drift(server.id, { taskState: 'networking', host: place.host, hostId });
  await sleep(0.1);
  cloud.servers.drift(server.id, { taskState: 'block_device_mapping' });
  await sleep(0.1);
  cloud.servers.drift(server.id, { taskState: 'spawning' });
  if (effect.buildFails !== undefined) {
    await sleep(0.6);
    return effect.buildFails;
  }
  // Both, to the end: a machine that is being started while the wait is cancelled must still be known to a delete.
  const [waited, started] = await Promise.allSettled([sleep(0.6), startMachine(server, cloud, signal)]);
  if (waited.status === 'rejected') throw asError(waited.reason);
  if (started.status === 'rejected') {
    signal.throwIfAborted();
    return asError(started.reason).message;
  }
  finish(server.id, started.value, cloud);
  return undefined;
}

async function startMachine(server: ServerRecord, cloud: Cloud, signal: AbortSignal): Promise<string> {
  const { backend } = cloud.deps;
  const image = cloud.images.find(server.imageId);
  const upload = uploadOf(image);
  try {
    const machine = await backend.start(
      {
        serverId: server.id,
        name: server.name,
        imageRef: image?.machineRef ?? server.imageId,
        ...(upload === undefined ? {} : { upload }),
        publicKeys: server.publicKeys,
        userData: server.userData,
        metadata: server.metadata,
      },
      signal,
    );
    return machine.address;
  } finally {
    // Deleted while its data were made bootable: nothing may be left of it.
    if (upload !== undefined && cloud.images.find(server.imageId) === undefined)
      await backend.deleteImage(server.imageId);
  }
}

function uploadOf(image: ImageRecord | undefined): ImageUpload | undefined {
  if (image?.file === undefined) return undefined;
  return { file: image.file, diskFormat: image.diskFormat ?? 'raw', digest: image.hashValue ?? image.id };
}

function finish(serverId: string, address: string, cloud: Cloud): void {
  const server = cloud.servers.find(serverId);
  if (server === undefined) return;
  const ports = server.networks.map((wanted) => {
    const port = 'portId' in wanted ? cloud.ports.find(wanted.portId) : undefined;
    if (port !== undefined) return claimPort({ server, address }, port, cloud);
    const network = networkOf(wanted, cloud);
    return network === undefined ? undefined : makeServerPort({ server, address }, network, cloud);
  });
  const now = cloud.nowMs;
  cloud.servers.change(serverId, {
    vmState: 'active',
    taskState: null,
    launchedAt: now,
    updatedAt: now,
    portIds: ports.filter((port) => port !== undefined).map(({ id }) => id),
  });
}

function networkOf(wanted: ServerRecord['networks'][number], cloud: Cloud): NetworkRecord | undefined {
  return 'networkId' in wanted ? cloud.networks.find(({ id }) => id === wanted.networkId) : undefined;
}

type Reason = { readonly message: string; readonly code?: number };

async function fail(server: ServerRecord, reason: Reason, cloud: Cloud): Promise<void> {
  await cloud.deps.backend.delete(server.id);
  const now = cloud.nowMs;
  cloud.servers.change(server.id, {
    vmState: 'error',
    taskState: null,
    zone: '',
    host: '',
    hostId: '',
    updatedAt: now,
    fault: { ...reason, createdAt: now },
  });
}

/** Hosts in the zone asked for, in a random order: the scheduler weighs, and nobody may count on its choice. */
function placesFor(server: ServerRecord, cloud: Cloud): Place[] {
  if (isTooBig(server, cloud)) return [];
  const zones = cloud.options.zones.filter(({ name }) => server.requestedZone === '' || name === server.requestedZone);
  const places = zones.flatMap(({ name, hosts }) => hosts.map((host) => ({ zone: name, host })));
  const first = Math.floor(cloud.deps.randomness.fraction() * places.length);
  return [...places.slice(first), ...places.slice(0, first)];
}

function isTooBig({ flavor }: ServerRecord, cloud: Cloud): boolean {
  const { vcpus, ramMib } = cloud.options.hostCapacity;
  return flavor.vcpus > vcpus || flavor.ramMib > ramMib;
}
