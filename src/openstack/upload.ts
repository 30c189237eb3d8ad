import type { ImageUpload, UploadWatch } from '../provider/image-upload.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { ApiCaller } from './api-caller.ts';
import type { ImageFile } from './image-file.ts';
import type { RemovalDeps, UploadLeftovers } from './upload-leftovers.ts';

/** For the whole of one upload, the wait for others included. */
export const UPLOAD_MS = 6 * 3_600_000;

export type UploadOrder = { readonly upload: ImageUpload; readonly watch: UploadWatch };

/** An upload under way. */
export type Upload = UploadOrder & { readonly file: ImageFile; readonly left: UploadLeftovers };

export type UploadDeps = RemovalDeps & {
  readonly api: ApiCaller;
  readonly randomness: Randomness;
  /** clouds.yaml: image_api_use_tasks. */
  readonly usesTasks: boolean;
};
