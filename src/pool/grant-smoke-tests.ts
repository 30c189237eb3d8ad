import { slotsFor } from '../allocation/provider-room.ts';
import { type AllocationProvider, roomIn } from '../allocation/supply-and-deficit.ts';
import type { Config, LabelConfig, TargetConfig } from '../config/config.ts';
import type { ImageStore } from '../image/image-store.ts';
import { needsSmokeNode, type WaitingImage, waitsForSmokeTest } from '../image/smoke-test.ts';
import type { HistoryStore } from '../node/history-store.ts';
import type { NodeCount, NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Logger } from '../runtime/logger.ts';
import { type LaunchBreakers, smokeKey } from './launch-breakers.ts';
import { isProviderPaused } from './launch-pauses.ts';

const WHO = 'allocator';

export type GrantSmokeTestDeps = {
  readonly images: Pick<ImageStore, 'list'>;
  readonly nodes: Pick<NodeStore, 'insert' | 'list' | 'apply'>;
  readonly history: Pick<HistoryStore, 'note'>;
  readonly isOnline: (target: string) => boolean;
  readonly breakers: LaunchBreakers;
  readonly log: Logger;
};

/** What an allocation pass knows before it shares out. */
export type SmokeTestFarm = {
  readonly config: Config;
  /** With what bounds them. */
  readonly providers: readonly AllocationProvider[];
  /** Nodes of smoke tests under no label of the configuration, for they run no jobs. */
  readonly nodes: readonly NodeCount[];
};

/**
 * Gives each image that waits for its smoke test one node, where there is room, before anything else is granted: in a full provider
 * it would wait for ever. Ends the launches for images that no longer wait. Costs nothing where there are no smoke tests.
 * @returns the counts with the nodes that it inserted
 */
export async function grantSmokeTests(farm: SmokeTestFarm, deps: GrantSmokeTestDeps): Promise<readonly NodeCount[]> {
  const isAsked = farm.config.providers.some(({ images }) => images.some(({ smokeTest }) => smokeTest));
  if (!isAsked && !farm.nodes.some(({ isSmokeTest }) => isSmokeTest === true)) return farm.nodes;
  const images = (await deps.images.list({ states: ['building'] })).filter(waitsForSmokeTest);
  const isAnyNode = farm.nodes.some(({ isSmokeTest, state }) => isSmokeTest === true && state === 'building');
  const building = isAnyNode ? await deps.nodes.list({ states: ['building'] }) : [];
  const tested = await keepNeeded(building, images, deps);
  let nodes = farm.nodes;
  for (const image of images) {
    if (!needsSmokeNode(image) || tested.has(image.id)) continue;
    const granted = await grant(image, { ...farm, nodes }, deps);
    if (granted !== undefined) nodes = [...nodes, granted];
  }
  return nodes;
}

/** Gives the ids of the images whose node is on its way; nodes of others go. */
async function keepNeeded(
  building: readonly Node[],
  images: readonly WaitingImage[],
  { nodes }: GrantSmokeTestDeps,
): Promise<ReadonlySet<number>> {
  const waiting = new Set(images.map(({ id }) => id));
  const tested = new Set<number>();
  for (const node of building) {
    const { smokeImageId } = node;
    if (smokeImageId === undefined) continue;
    if (waiting.has(smokeImageId)) tested.add(smokeImageId);
    else
      await nodes.apply(node, 'deleted', { who: WHO, why: `Image ${smokeImageId} waits for no smoke test any more` });
  }
  return tested;
}

async function grant(
  image: WaitingImage,
  farm: SmokeTestFarm,
  deps: GrantSmokeTestDeps,
): Promise<NodeCount | undefined> {
  const place = placeFor(image, farm, deps);
  if (place === undefined) return undefined;
  const { provider, id } = image;
  const row = { provider, label: place.label.name, target: place.target.name, smokeImageId: id };
  const why = `Smoke test of image ${id} (${image.image})`;
  const [node] = await deps.nodes.insert([row], { who: WHO, why });
  if (node === undefined) return undefined;
  deps.log.info(`Need to launch node id: ${node.id} on ${provider} for the smoke test of image id: ${id}`);
  const waits = `Waits for its smoke test: node ${node.id} is launched from it`;
  await deps.history.note({ subject: 'image', subjectId: id, event: 'waits', who: WHO, why: waits });
  return { ...row, label: '', state: 'building', count: 1, subnodes: 0, isSmokeTest: true };
}

type Place = { readonly label: LabelConfig; readonly target: TargetConfig };

/** Undefined: nothing may be launched there now. */
function placeFor(image: WaitingImage, farm: SmokeTestFarm, deps: GrantSmokeTestDeps): Place | undefined {
  const { config, providers, nodes } = farm;
  const provider = providers.find(({ name }) => name === image.provider);
  const label = labelFor(image, config.labels);
  // A smoke test asks nothing of Jenkins: one that is away will do.
  const target = config.targets.find(({ name }) => deps.isOnline(name)) ?? config.targets[0];
  if (provider === undefined || label === undefined || target === undefined) return undefined;
  const pauses = { labels: config.labels, nodes, breakers: deps.breakers };
  const isPaused =
    isProviderPaused(provider.name, pauses) || deps.breakers.isOpen(smokeKey(image.provider, image.image));
  const room = roomIn(provider, { nodes, labels: config.labels });
  return isPaused || slotsFor(room, provider.sizes?.get(image.image)) < 1 ? undefined : { label, target };
}

/** The first one with a ready script, which is what fails; else the first that uses the image. */
function labelFor({ provider, image }: WaitingImage, labels: readonly LabelConfig[]): LabelConfig | undefined {
  const own = labels.filter(
    (label) => label.minReady >= 0 && label.image === image && label.providers.includes(provider),
  );
  return own.find(({ readyScript }) => readyScript !== undefined) ?? own[0];
}
