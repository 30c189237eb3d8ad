import { statSync } from 'node:fs';
import type { CloudImage } from '../../src/provider/cloud-provider.ts';
import { TransientProviderError, UnknownOutcomeError } from '../../src/provider/errors.ts';
import { ImageFileError, type ImageUpload, type UploadWatch } from '../../src/provider/image-upload.ts';

/** An upload that a FakeCloud has taken. */
export type FakeUpload = ImageUpload & { readonly imageId: string; readonly sizeBytes: number };

/** The images of a FakeCloud: snapshots go queued → saving → active as they are looked at. */
export class FakeImages {
  /** Polls (finds of it, or lists) that still show a new snapshot as `queued`, then `saving`; the next one shows `active`. */
  snapshotTakesPolls: number;
  /** How many of the next snapshots will disappear instead of becoming active. */
  failing = 0;
  /** All that were taken, in order, those of images that are gone among them. */
  readonly uploads: FakeUpload[] = [];
  readonly #images = new Map<string, CloudImage>();
  readonly #pollsLeft = new Map<string, number>();
  readonly #doomed = new Set<string>();
  #count = 0;

  constructor(images: readonly CloudImage[], snapshotTakesPolls = 1) {
    for (const image of images) this.#images.set(image.id, image);
    this.snapshotTakesPolls = snapshotTakesPolls;
  }

  add(image: CloudImage): void {
    this.#images.set(image.id, image);
  }

  createSnapshot(name: string, properties: Readonly<Record<string, string>>): string {
    const id = this.#create(name, { ...properties, image_type: 'snapshot' });
    this.#pollsLeft.set(id, this.snapshotTakesPolls);
    if (this.failing > 0) {
      this.failing -= 1;
      this.#doomed.add(id);
    }
    return id;
  }

  /**
   * Makes an image of a file as a cloud does; only looks at the file's size. `transfer` stands for the data on its way: while
   * it lasts the image is `saving`, and when it fails the image goes, unless the outcome is unknown.
   * @throws {ImageFileError} the file is missing or empty
   */
  async upload(upload: ImageUpload, watch: UploadWatch, transfer: () => Promise<void>): Promise<CloudImage> {
    const sizeBytes = sizeOf(upload.path);
    const id = this.#create(upload.name, upload.properties);
    try {
      await watch.onCreated?.(id);
      this.#change(id, 'saving');
      watch.onProgress?.({ sentBytes: Math.ceil(sizeBytes / 2), totalBytes: sizeBytes });
      await transfer();
      watch.onProgress?.({ sentBytes: sizeBytes, totalBytes: sizeBytes });
      this.uploads.push({ ...upload, imageId: id, sizeBytes });
      return this.#change(id, 'active');
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError)) this.delete(id);
      throw error;
    }
  }

  delete(id: string): void {
    this.#images.delete(id);
    this.#pollsLeft.delete(id);
  }

  /** Whether the snapshot is still being made. */
  isPending(id: string): boolean {
    return this.#pollsLeft.has(id);
  }

  poll(id: string): CloudImage | undefined {
    const left = this.#pollsLeft.get(id);
    if (left !== undefined) this.#step(id, left);
    return this.#images.get(id);
  }

  pollAll(): readonly CloudImage[] {
    return [...this.#images.keys()].map((id) => this.poll(id)).filter((image) => image !== undefined);
  }

  peekAll(): readonly CloudImage[] {
    return [...this.#images.values()];
  }

  #create(name: string, properties: Readonly<Record<string, string>>): string {
    this.#count += 1;
    const id = `00000000-0000-4000-9000-${String(this.#count).padStart(12, '0')}`;
    this.#images.set(id, { id, name, status: 'queued', properties });
    return id;
  }

  #change(id: string, status: string): CloudImage {
    const image = this.#images.get(id);
    if (image === undefined) throw new TransientProviderError(`Image "${id}" is gone after its upload`);
    const changed = { ...image, status };
    this.#images.set(id, changed);
    return changed;
  }

  #step(id: string, left: number): void {
    const image = this.#images.get(id);
    if (image === undefined) return;
    if (left > 0) {
      this.#pollsLeft.set(id, left - 1);
      if (left < this.snapshotTakesPolls) this.#images.set(id, { ...image, status: 'saving' });
    } else if (this.#doomed.has(id)) {
      this.delete(id);
    } else {
      this.#pollsLeft.delete(id);
      this.#images.set(id, { ...image, status: 'active' });
    }
  }
}

function sizeOf(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new ImageFileError(path, 'there is no such file');
  if (size === 0) throw new ImageFileError(path, 'it is empty');
  return size;
}
