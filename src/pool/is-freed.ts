import type { ImageStore } from '../image/image-store.ts';
import type { NodeStore } from '../node/node-store.ts';
import { parseFloatingNote } from '../provider/floating-note.ts';

export type IsFreedDeps = {
  readonly nodes: Pick<NodeStore, 'find'>;
  readonly images: Pick<ImageStore, 'find'>;
  readonly installationId: string;
};

/**
 * Whether the note on a floating address names a node or a build of ours that has no row any more. Ids are never given
 * twice, so nobody comes back for such an address.
 */
export async function isFreed(note: string, { nodes, images, installationId }: IsFreedDeps): Promise<boolean> {
  const owner = parseFloatingNote(note);
  if (owner?.installation !== installationId) return false;
  return (await (owner.kind === 'node' ? nodes.find(owner.id) : images.find(owner.id))) === undefined;
}
