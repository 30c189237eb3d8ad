import type { DiskImageConfig, ProviderConfig, ProviderImageConfig } from './config.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { ResolvedCloud } from './clouds/resolve-cloud.ts';
import { isOverlongMeta } from './image-section.ts';
import type { ParsedProvider } from './provider-section.ts';
import { toMs } from './schema/fields.ts';

/** Upstream waits for ever; a healthy cloud answers in a second, a sick one must not hold a launch. */
const DEFAULT_API_TIMEOUT_SECONDS = 60;

/** A provider with its cloud, and its images with the disk images that build them. */
export function buildProvider(
  provider: ParsedProvider,
  { cloud, imageFormat, apiTimeoutSeconds = DEFAULT_API_TIMEOUT_SECONDS }: ResolvedCloud,
  diskimages: readonly DiskImageConfig[],
): ProviderConfig {
  return definedOnly({
    ...provider,
    cloud,
    apiTimeoutMs: provider.apiTimeoutMs ?? toMs(apiTimeoutSeconds),
    imageType: provider.imageType ?? imageFormat,
    images: provider.images.map((image) => buildImage(image, diskimages)),
  });
}

function buildImage(image: ProviderImageConfig, diskimages: readonly DiskImageConfig[]): ProviderImageConfig {
  const sameName = image.setup === undefined && diskimages.some(({ name }) => name === image.name);
  return definedOnly({
    ...image,
    diskimage: image.diskimage ?? (sameName ? image.name : undefined),
    meta: isOverlongMeta(image.meta) ? {} : image.meta,
  });
}
