import type { ImageRecord } from './cloud-records.ts';
import { apiTime } from './openstack-times.ts';

/** As Glance shows an image: properties of the owner's own stand beside the others. */
export function imageView(image: ImageRecord): Record<string, unknown> {
  const self = `/v2/images/${image.id}`;
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    visibility: image.visibility,
    size: image.sizeBytes,
    virtual_size: null,
    status: image.status,
    checksum: image.checksum,
    protected: image.isProtected,
    min_ram: image.minRam,
    min_disk: image.minDisk,
    owner: image.owner,
    os_hidden: false,
    os_hash_algo: image.hashValue === null ? null : 'sha512',
    os_hash_value: image.hashValue,
    id: image.id,
    created_at: apiTime(image.createdAt),
    updated_at: apiTime(image.updatedAt),
    tags: image.tags,
    self,
    file: `${self}/file`,
    schema: '/v2/schemas/image',
  };
}
