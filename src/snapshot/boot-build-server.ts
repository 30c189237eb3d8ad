import { renderTemplate } from '../config/name-template.ts';
import { buildKeypairName } from '../image/build-keypair.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { CreatedServer } from '../provider/cloud-provider.ts';
import { createServer } from '../provider/create-server.ts';
import { RequestRefusedError } from '../provider/errors.ts';
import { ownerMetadata } from '../provider/owner-metadata.ts';
import type { Credential } from '../provider/remote-machine.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { pickOne } from '../runtime/randomness.ts';
import { type Build, type BuildDeps, BuildEndedError, BuildError } from './build.ts';
import { beginStep, recordBuild } from './build-steps.ts';
import { crashPoint } from '../runtime/crash-point.ts';

/** A build server that was asked for, and how to log in to it. */
export type BootedBuild = {
  readonly row: SnapshotImage;
  readonly credentials: readonly Credential[];
};

/** Names the build, makes its login key and creates its server; each is stored before it is needed. */
export async function bootBuildServer(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<BootedBuild> {
  // Before the first call: who asked for this build must see that it was taken up, though the cloud does not answer.
  const begun = await beginStep(build.row, 'create-server', deps);
  crashPoint('build-begun');
  const baseImageId = await findBaseImage(build, deps, signal);
  const hostname = hostnameOf(build);
  const row = await recordBuild(begun, { hostname, baseImageId }, deps);
  crashPoint('build-named');
  const login = await makeLogin({ ...build, row }, deps, signal);
  deps.task.waitOn(`create call of ${hostname}`);
  const server = await createServer(
    {
      spec: serverSpec(build, { hostname, imageId: baseImageId, keyName: login.keyName }, deps),
      metadata: (attempt) => buildMetadata(build, attempt, deps),
      storeAttempt: async (attempt) => {
        await recordBuild(row, { attempt }, deps);
      },
      retries: build.provider.launchRetries,
    },
    deps,
    signal,
  );
  const stored = await deps.images.record(row.id, { serverExternalId: server.id, step: 'wait-active' });
  if (stored === undefined) await deps.cloud.deleteServer(server.id, signal); // nobody else knows this server
  if (stored?.state !== 'building')
    throw new BuildEndedError(`Image ${row.id} was deleted while its server was created`);
  crashPoint('build-server-stored');
  return { row: stored, credentials: credentialsFor(login.credentials, server) };
}

function credentialsFor(keys: readonly Credential[], { adminPassword }: CreatedServer): readonly Credential[] {
  if (adminPassword !== undefined) return [...keys, { kind: 'password', password: adminPassword }];
  if (keys.length > 0) return keys;
  throw new BuildError('Nobody can log in: the cloud refused the keypair and gave no admin password');
}

async function findBaseImage({ provider, image }: Build, deps: BuildDeps, signal: AbortSignal): Promise<string> {
  const { baseImage } = image;
  if (baseImage === undefined) throw new BuildError(`Image ${image.name} of ${provider.name} has no base-image`);
  deps.task.waitOn(`base image ${baseImage}`);
  const found = await deps.cloud.findImage(baseImage, signal);
  if (found === undefined) throw new BuildError(`There is no image "${baseImage}" in ${provider.name}`);
  return found.id;
}

function hostnameOf({ row, provider, image }: Build): string {
  return renderTemplate(provider.templateHostname, {
    'image.name': image.name,
    'provider.name': provider.name,
    'provider.region_name': provider.cloud.regionName ?? '',
    timestamp: String(row.version ?? 0),
  });
}

/** The provider's own keypair with the account's keys, else a temporary one that is deleted with the server. */
async function makeLogin(
  { provider, image, row }: Build,
  deps: BuildDeps,
  signal: AbortSignal,
): Promise<{ readonly keyName: string | undefined; readonly credentials: readonly Credential[] }> {
  if (provider.keypair !== undefined) {
    const fallback = { kind: 'key-file' as const, path: image.privateKey };
    return { keyName: provider.keypair, credentials: [...deps.accountKeys, fallback] };
  }
  const name = buildKeypairName(row);
  if (name === undefined) throw new Error(`Image ${row.id} has no host name to call its keypair by`);
  using keyPairOrder = deps.keyPairs.order();
  const keyPair = await keyPairOrder.take(signal);
  try {
    crashPoint('keypair-sent');
    await deps.cloud.createKeypair(name, keyPair.publicKey, signal);
    crashPoint('keypair-made');
  } catch (error) {
    if (!(error instanceof RequestRefusedError)) throw error;
    deps.log.warn(`Keypair ${name} is refused by ${provider.name}, using the admin password`, { error });
    return { keyName: undefined, credentials: [] };
  }
  return { keyName: name, credentials: [{ kind: 'key', privateKey: keyPair.privateKey }] };
}

function serverSpec(
  { provider, image }: Build,
  chosen: { readonly hostname: string; readonly imageId: string; readonly keyName: string | undefined },
  deps: BuildDeps,
): Parameters<typeof createServer>[0]['spec'] {
  return definedOnly({
    name: chosen.hostname,
    imageId: chosen.imageId,
    minRamMib: image.minRamMib,
    flavorNameFilter: image.nameFilter,
    az: pickOne(provider.availabilityZones, deps.randomness),
    keyName: chosen.keyName,
    configDrive: image.configDrive,
    securityGroups: provider.securityGroups.length > 0 ? provider.securityGroups : undefined,
  });
}

function buildMetadata({ row, provider, image }: Build, attempt: string, deps: BuildDeps): Record<string, string> {
  return ownerMetadata({
    kind: 'build',
    imageId: row.id,
    provider: provider.name,
    image: image.name,
    attempt,
    installation: deps.installationId,
    ...(provider.nodepoolId !== undefined && { nodepoolId: provider.nodepoolId }),
  });
}
