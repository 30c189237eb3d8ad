import type { LabelConfig } from '../config/config.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Farm } from './farm.ts';
import { isSuperseded, nodesToRecycle } from './superseded-nodes.ts';

export type RecycleDeps = {
  readonly farm: () => Farm;
  readonly nodes: Pick<NodeStore, 'list' | 'apply'>;
  readonly images: Pick<ImageStore, 'list'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Marks ready nodes of older images for deletion, a few at a time. Costs nothing where no label asks for it. */
export async function runRecyclePass(deps: RecycleDeps): Promise<void> {
  const farm = deps.farm();
  const labels = farm.config.labels.filter(isRecycled);
  if (labels.length === 0) return;
  const nodes = await deps.nodes.list({ states: ['ready', 'delete'] });
  const images = await deps.images.list();
  const isUsable = ({ registeredAt, target }: Node): boolean =>
    registeredAt !== undefined || farm.agentsOf(target) === undefined;
  for (const label of labels) {
    const own = nodes.filter((node) => node.label === label.name);
    for (const node of nodesToRecycle({ label, nodes: own, images, isUsable }, deps.clock.now())) {
      await recycle(node, label, deps);
    }
  }
}

/** The guard before the deletion keeps a node on which a build begins just now. */
async function recycle(node: Node, label: LabelConfig, { nodes, log }: RecycleDeps): Promise<void> {
  const why = `Its image ${node.imageId ?? ''} (${label.image}) is superseded in ${node.provider}`;
  if ((await nodes.apply(node, 'deleted', { who: 'recycler', why })) === undefined) return; // a job took it
  log.info(`Node id: ${node.id} is replaced: ${why}`, { label: label.name });
}

/** How many ready nodes of each label that asks for it are of an older image; labels without such are absent. */
export async function countSuperseded(
  labels: readonly LabelConfig[],
  { nodes, images }: Pick<RecycleDeps, 'nodes' | 'images'>,
): Promise<ReadonlyMap<string, number>> {
  const recycled = new Map(labels.filter(isRecycled).map((label) => [label.name, label]));
  const counts = new Map<string, number>();
  if (recycled.size === 0) return counts;
  const rows = await images.list();
  for (const node of await nodes.list({ states: ['ready'] })) {
    const label = recycled.get(node.label);
    if (label !== undefined && isSuperseded(node, label.image, rows)) {
      counts.set(label.name, (counts.get(label.name) ?? 0) + 1);
    }
  }
  return counts;
}

function isRecycled({ recycleSuperseded, minReady }: LabelConfig): boolean {
  return recycleSuperseded > 0 && minReady >= 0;
}
