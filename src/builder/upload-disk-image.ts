import { join } from 'node:path';
import type { Config, ProviderConfig, ProviderImageConfig } from '../config/config.ts';
import { renderTemplate } from '../config/name-template.ts';
import type { UploadAnswer, UploadWork } from '../image/builder-jobs.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { UploadProgress, UploadWatch } from '../provider/image-upload.ts';
import type { Clock } from '../runtime/clock.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { Logger } from '../runtime/logger.ts';
import { formatOf } from './dib-command.ts';

const TELL_EACH_MS = 30_000;

export type UploadDeps = {
  readonly config: () => Pick<Config, 'providers'>;
  readonly cloudOf: (provider: string) => CloudProvider | undefined;
  readonly imagesDir: string;
  readonly clock: Clock;
  /** `nodepool`: progress goes to its child `image.upload.PROVIDER`. */
  readonly log: Logger;
};

/**
 * Uploads the file that the provider needs and gives the image's id when it is active. May be repeated: an image that an
 * earlier try left is deleted first, whatever its status, for some clouds show one that was cut off as `active`.
 * @throws {Error} provider or image is not configured
 * @throws what `CloudProvider.uploadImage` does
 */
export async function uploadDiskImage(work: UploadWork, deps: UploadDeps, signal: AbortSignal): Promise<UploadAnswer> {
  const { provider, image, cloud } = find(work, deps);
  const format = formatOf(provider);
  const upload = {
    name: work.cloudName ?? nameFor(work, { provider, image }, deps.clock),
    path: join(deps.imagesDir, `${work.dibImageId}.${format}`),
    format,
    properties: { ...image.meta, ...work.properties },
  };
  const log = deps.log.child('image').child('upload').child(provider.name);
  await deleteEarlier(work, { cloud, log }, signal);
  log.info(`Uploading ${upload.path} to ${provider.name} as ${upload.name}`);
  crashPoint('upload-begun');
  const made = await cloud.uploadImage(upload, watch(upload.name, { ...deps, log }), signal);
  crashPoint('upload-active');
  log.info(`Image ${upload.name} is active in ${provider.name}`, { id: made.id });
  return { externalId: made.id };
}

type Destination = {
  readonly provider: ProviderConfig;
  readonly image: ProviderImageConfig;
  readonly cloud: CloudProvider;
};

function find(work: UploadWork, deps: UploadDeps): Destination {
  const provider = deps.config().providers.find(({ name }) => name === work.provider);
  const cloud = deps.cloudOf(work.provider);
  if (provider === undefined || cloud === undefined)
    throw new Error(`Cannot upload to unknown provider "${work.provider}"`);
  const image = provider.images.find(({ name }) => name === work.image);
  if (image === undefined)
    throw new Error(`Cannot upload unknown image "${work.image}" to provider "${work.provider}"`);
  return { provider, image, cloud };
}

/** As upstream's daemon names it, where that gave no name. */
function nameFor(
  { dibImageId }: UploadWork,
  { provider, image }: Pick<Destination, 'provider' | 'image'>,
  clock: Clock,
): string {
  return renderTemplate(
    provider.templateHostname,
    definedOnly({
      'image.name': image.name,
      'image.id': dibImageId,
      'provider.name': provider.name,
      'provider.region_name': provider.cloud.regionName,
      timestamp: Math.floor(clock.now().getTime() / 1000),
    }),
  );
}

/** What an earlier try of the same upload left: a builder or its connection was lost, and the job was given out again. */
async function deleteEarlier(
  { properties = {} }: UploadWork,
  { cloud, log }: { readonly cloud: CloudProvider; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const marks = Object.entries(properties);
  if (marks.length === 0) return; // upstream's daemons do not mark their images
  const images = await cloud.listImages(signal);
  for (const image of images.filter((each) => marks.every(([key, value]) => each.properties[key] === value))) {
    log.warn(`Deleting image ${image.name} of an earlier try of this upload`, { id: image.id, status: image.status });
    await cloud.deleteImage(image.id, signal);
  }
}

function watch(name: string, deps: { readonly clock: Clock; readonly log: Logger }): UploadWatch {
  const tell = teller(name, deps);
  return {
    onCreated: () => {
      crashPoint('upload-record-made');
    },
    onProgress: (progress) => {
      if (progress.sentBytes * 2 >= progress.totalBytes) crashPoint('upload-half-sent');
      tell(progress);
    },
  };
}

function teller(name: string, deps: { readonly clock: Clock; readonly log: Logger }) {
  let toldMs = deps.clock.monotonicMs();
  return ({ sentBytes, totalBytes }: UploadProgress): void => {
    const nowMs = deps.clock.monotonicMs();
    if (nowMs - toldMs < TELL_EACH_MS) return;
    toldMs = nowMs;
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * sentBytes) / totalBytes);
    deps.log.info(`Image ${name}: ${percent} % of ${Math.ceil(totalBytes / 2 ** 20)} MiB are sent`);
  };
}
