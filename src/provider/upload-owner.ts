import { definedOnly } from '../runtime/defined-only.ts';

/** Whose an uploaded image is. */
export type UploadOwner = {
  readonly provider: string;
  readonly image: string;
  /** Id of the disk image's row. */
  readonly buildId: number;
  /** Id of the upload's row. */
  readonly uploadId: number;
  /** UUID made with our database. */
  readonly installation: string;
  /** The operator's `nodepool-id`. */
  readonly nodepoolId?: string;
};

/**
 * Properties for `uploadImage`, which writes them with the image's record, before the data. By them a pass after a crash
 * finds images that no row has as ready. Such an image is to be deleted, whatever its status: some clouds take an upload that
 * was cut off for a whole one and show it as `active`.
 */
export function uploadProperties(owner: UploadOwner): Readonly<Record<string, string>> {
  return definedOnly({
    nodepool_provider_name: owner.provider,
    nodepool_image_name: owner.image,
    nodepool_build_id: String(owner.buildId),
    nodepool_upload_id: String(owner.uploadId),
    nodepool_installation: owner.installation,
    nodepool_id: owner.nodepoolId,
  });
}

/** Whether an image with these properties was made by that upload. */
export function isMadeByUpload(
  properties: Readonly<Record<string, string>>,
  { installation, uploadId }: { readonly installation: string; readonly uploadId: number },
): boolean {
  return properties['nodepool_installation'] === installation && properties['nodepool_upload_id'] === String(uploadId);
}
