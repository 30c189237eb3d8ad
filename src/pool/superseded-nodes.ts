import type { LabelConfig } from '../config/config.ts';
import { newestFirst, usableImages } from '../image/image-rules.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { Node } from '../node/node.ts';

/** A node that a waiting job takes is taken sooner. */
const LEAST_WAIT_MS = 60_000;

/** Whether the provider has a newer image than the one that the node was launched from. Of a node without one nobody knows. */
export function isSuperseded(node: Node, image: string, images: readonly SnapshotImage[]): boolean {
  const { imageId, provider } = node;
  if (imageId === undefined) return false;
  const [current] = usableImages({ provider, image }, images);
  if (current === undefined || current.id === imageId) return false;
  const own = images.find(({ id }) => id === imageId);
  // Its row may be gone, as that of the third newest is. Ids rise.
  return own === undefined ? current.id > imageId : newestFirst(current, own) < 0;
}

/** What is known of a label's nodes: those that are ready, and those that are being deleted. */
export type LabelNodes = {
  readonly label: Pick<LabelConfig, 'minReady' | 'recycleSuperseded' | 'image'>;
  readonly nodes: readonly Node[];
  /** All that may be images of theirs. */
  readonly images: readonly SnapshotImage[];
  /** Whether Jenkins can give the node a job. */
  readonly isUsable: (node: Node) => boolean;
};

/**
 * The nodes that may go now, longest ready first: at most `recycle-superseded` at once with those that are on their way out, and
 * never so many that fewer than `min-ready` wait.
 */
export function nodesToRecycle({ label, nodes, images, isUsable: usable }: LabelNodes, now: Date): readonly Node[] {
  const ready = nodes.filter((node) => node.state === 'ready' && usable(node));
  const isOld = (node: Node): boolean => isSuperseded(node, label.image, images);
  const leaving = nodes.filter((node) => node.state === 'delete' && isOld(node)).length;
  const most = Math.min(label.recycleSuperseded - leaving, ready.length - Math.max(0, label.minReady));
  if (most <= 0) return [];
  return ready
    .filter((node) => now.getTime() - node.stateChangedAt.getTime() >= LEAST_WAIT_MS && isOld(node))
    .sort((a, b) => a.stateChangedAt.getTime() - b.stateChangedAt.getTime() || a.id - b.id)
    .slice(0, most);
}

/** What a label has and is asked for, in nodes. */
export type LabelNumbers = { readonly demand: number; readonly supply: number; readonly superseded: number };

/**
 * How many nodes more than `min-ready` are kept, so that the new ones are ready before the old ones go. None before the label has
 * what it needs: replacing is less urgent than waiting jobs.
 */
export function replacements(
  { minReady, recycleSuperseded }: Pick<LabelConfig, 'minReady' | 'recycleSuperseded'>,
  { demand, supply, superseded }: LabelNumbers,
): number {
  if (minReady <= 0 || supply < demand + minReady) return 0;
  return Math.min(recycleSuperseded, superseded);
}
