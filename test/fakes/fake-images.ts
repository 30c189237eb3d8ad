import type { CloudImage } from '../../src/provider/cloud-provider.ts';

/** The images of a FakeCloud: snapshots go queued → saving → active as they are looked at. */
export class FakeImages {
  /** Polls (finds of it, or lists) that still show a new snapshot as `queued`, then `saving`; the next one shows `active`. */
  snapshotTakesPolls: number;
  /** How many of the next snapshots will disappear instead of becoming active. */
  failing = 0;
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
    this.#count += 1;
    const id = `00000000-0000-4000-9000-${String(this.#count).padStart(12, '0')}`;
    this.#images.set(id, { id, name, status: 'queued', properties: { ...properties, image_type: 'snapshot' } });
    this.#pollsLeft.set(id, this.snapshotTakesPolls);
    if (this.failing > 0) {
      this.failing -= 1;
      this.#doomed.add(id);
    }
    return id;
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
