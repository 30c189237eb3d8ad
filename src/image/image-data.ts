import * as z from 'zod';
import { definedOnly } from '../runtime/defined-only.ts';
import type { DibImage } from './dib-image.ts';
import type { SnapshotImage } from './snapshot-image.ts';

/** A disk image's build as another database is given it. */
export type BuildRecord = Pick<DibImage, 'id' | 'diskimage' | 'stateChangedAt' | 'formats'> &
  Partial<Pick<DibImage, 'filename' | 'version' | 'builder'>>;
/** An image of a provider as another database is given it. */
export type ImageRecord = Pick<SnapshotImage, 'id' | 'provider' | 'image' | 'stateChangedAt'> & {
  readonly externalId: string;
} & Partial<Pick<SnapshotImage, 'hostname' | 'version' | 'dibImageId'>>;

/** What is ready: builds, uploads and snapshots with their ids. */
export type ImageData = { readonly builds: readonly BuildRecord[]; readonly images: readonly ImageRecord[] };

/** Puts images of another database into this one (adapter: src/db). */
export interface ImageDataStore {
  /**
   * Adds all rows, or none. Later ids are greater.
   * @throws {Error} an id exists
   */
  restore(data: ImageData, cause: { readonly who: string; readonly why: string }): Promise<void>;
}

const Id = z.int().min(1).max(2_147_483_647);
/** Postgres takes no NUL. */
const Text = z.string().refine((text) => !text.includes('\0'), 'it holds a NUL');
const Name = Text.min(1);
const Seconds = z.int().min(0);
/** In a message. */
const MOST_FAULTS = 3;

const BuildSchema = z.strictObject({
  id: Id,
  image: Name,
  filename: Text.optional(),
  version: Seconds.optional(),
  builder: Text.optional(),
  formats: z.array(Name),
  state_time: Seconds,
});

const ImageSchema = z.strictObject({
  id: Id,
  provider: Name,
  image: Name,
  hostname: Text.optional(),
  version: Seconds.optional(),
  external_id: Name,
  dib_image_id: Id.optional(),
  state_time: Seconds,
});

const FileSchema = z.strictObject({
  format: z.literal('nodepool-image-data'),
  version: z.literal(1),
  builds: z.array(BuildSchema),
  images: z.array(ImageSchema),
});

/** What is ready among the rows, as JSON. */
export function renderImageData(builds: readonly DibImage[], images: readonly SnapshotImage[]): string {
  const file: z.input<typeof FileSchema> = {
    format: 'nodepool-image-data',
    version: 1,
    builds: builds
      .filter(({ state }) => state === 'ready')
      .map(({ diskimage, stateChangedAt, id, filename, version, builder, formats }) => ({
        ...{ id, image: diskimage, filename, version, builder, formats: [...formats] },
        state_time: toSeconds(stateChangedAt),
      })),
    images: images.flatMap(
      ({ id, provider, image, state, stateChangedAt, hostname, version, externalId, dibImageId }) => {
        if (state !== 'ready' || externalId === undefined) return [];
        const ids = { external_id: externalId, dib_image_id: dibImageId };
        return [{ id, provider, image, hostname, version, ...ids, state_time: toSeconds(stateChangedAt) }];
      },
    ),
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** The first few, each with its place: `builds.0.id: …`. */
function describeFaults({ issues }: z.ZodError): string {
  const faults = issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  const more = faults.length - MOST_FAULTS;
  return [...faults.slice(0, MOST_FAULTS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** @throws {Error} the text is not what `renderImageData` gives, or names an id twice */
export function parseImageData(text: string): ImageData {
  const read = FileSchema.safeParse(parseJson(text));
  if (!read.success) throw new Error(`The file is no image data: ${describeFaults(read.error)}`);
  const { builds, images } = read.data;
  refuseDoubles('disk image', builds);
  refuseDoubles('image', images);
  return {
    builds: builds.map(({ image, state_time: seconds, ...rest }) =>
      definedOnly({ ...rest, diskimage: image, stateChangedAt: new Date(seconds * 1000) }),
    ),
    images: images.map(({ external_id: externalId, dib_image_id: dibImageId, state_time: seconds, ...rest }) =>
      definedOnly({ ...rest, externalId, dibImageId, stateChangedAt: new Date(seconds * 1000) }),
    ),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error('The file is no JSON', { cause: error });
  }
}

function refuseDoubles(what: string, rows: readonly { readonly id: number }[]): void {
  const seen = new Set<number>();
  for (const { id } of rows) {
    if (seen.has(id)) throw new Error(`The file has ${what} ${id} twice`);
    seen.add(id);
  }
}

function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
