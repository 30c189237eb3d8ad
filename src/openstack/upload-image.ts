import type { CloudImage } from '../provider/cloud-provider.ts';
import { TransientProviderError, UnknownOutcomeError } from '../provider/errors.ts';
import { withDeadline } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { ImageFile } from './image-file.ts';
import { importImage } from './import-image.ts';
import { putImage } from './put-image.ts';
import { UPLOAD_MS, type UploadDeps, type UploadOrder } from './upload.ts';
import { UploadLeftovers } from './upload-leftovers.ts';

/** Makes an image of a file; see CloudProvider.uploadImage. */
export async function uploadImage(order: UploadOrder, deps: UploadDeps, signal: AbortSignal): Promise<CloudImage> {
  const { name, path } = order.upload;
  await using file = await ImageFile.open(path);
  const left = new UploadLeftovers();
  const makeImage = deps.usesTasks ? importImage : putImage;
  const deadline = { what: `the upload of image "${name}" to provider ${deps.provider}`, ms: UPLOAD_MS };
  try {
    // What is done about a failure is not under the deadline: the caller gets it when the cloud is clean.
    return await withDeadline(deadline, { clock: deps.clock, signal }, (inner) =>
      makeImage({ ...order, file, left }, deps, inner),
    );
  } catch (error) {
    throw describeFailure(error, { name, provider: deps.provider, isClean: await left.removeAll(deps) });
  }
}

function describeFailure(
  thrown: unknown,
  { name, provider, isClean }: { readonly name: string; readonly provider: string; readonly isClean: boolean },
): unknown {
  if (!(thrown instanceof TransientProviderError)) return thrown;
  const options = definedOnly({ cause: thrown, retryAfterMs: thrown.retryAfterMs });
  const message = `The upload of image "${name}" to "${provider}" failed`;
  return isClean ? new TransientProviderError(message, options) : new UnknownOutcomeError(message, options);
}
