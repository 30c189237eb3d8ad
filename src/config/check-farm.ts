import type { LabelConfig, DiskImageConfig } from './config.ts';
import type { KeyPath } from './config-fault.ts';
import type { FaultReport } from './fault-report.ts';
import { isOverlongMeta } from './image-section.ts';
import { nodenameHas, templateHas } from './name-template.ts';
import { LATER_PROVIDER_KEYS } from './provider-section.ts';
import type { ParsedProvider } from './provider-section.ts';
import type { ParsedTarget } from './target-section.ts';
import { itemsOf, keyPlaceAt, nodeAt, sourceOf, valueOf } from './yaml/yaml-node.ts';
import type { YamlMap } from './yaml/yaml-node.ts';

/** The sections that could be read, by their index in the file. */
export type Sections = {
  readonly labels: ReadonlyMap<number, LabelConfig>;
  readonly providers: ReadonlyMap<number, ParsedProvider>;
  readonly targets: ReadonlyMap<number, ParsedTarget>;
  readonly diskimages: ReadonlyMap<number, DiskImageConfig>;
};

export type Farm = { readonly tree: YamlMap; readonly sections: Sections };

/** What no single section shows: lists that are empty, names given twice, host names that collide, files of other eras. */
export function checkFarm(farm: Farm, report: FaultReport): void {
  warnOfEmptyLists(farm.tree, report);
  checkNames(farm.tree, report);
  checkEra(farm.tree, report);
  checkHostnames(farm, report);
  checkMeta(farm, report);
  checkDrain(farm, report);
}

function warnOfEmptyLists(tree: YamlMap, report: FaultReport): void {
  const consequences = {
    labels: '"labels" are needed since 0.1: nothing will be launched',
    providers: 'There are no providers: nothing will be launched',
    targets: 'There are no targets: nothing will be launched',
  };
  for (const [key, message] of Object.entries(consequences)) {
    const value = valueOf(tree, key);
    const isAbsent = value === undefined && key !== 'providers'; // its absence is a fault
    const isEmpty = value?.kind === 'list' && value.items.length === 0;
    if (isAbsent || isEmpty) report.warn(keyPlaceAt(tree, [key]), [key], message);
  }
}

function checkNames(tree: YamlMap, report: FaultReport): void {
  for (const list of ['labels', 'providers', 'targets', 'diskimages']) checkUnique(tree, [list], report);
  itemsOf(valueOf(tree, 'providers')).forEach((_, index) => {
    checkUnique(tree, ['providers', index, 'images'], report);
  });
}

function checkUnique(tree: YamlMap, list: KeyPath, report: FaultReport): void {
  const lines = new Map<string, number>();
  const node = nodeAt(tree, list);
  if (node.kind !== 'list') return;
  node.items.forEach((item, index) => {
    const nameNode = valueOf(item, 'name');
    const name = sourceOf(nameNode);
    if (nameNode === undefined || name === undefined) return;
    const earlier = lines.get(name);
    if (earlier === undefined) lines.set(name, nameNode.at.line);
    else report.fault(nameNode.at, [...list, index, 'name'], `Name "${name}" was already given in line ${earlier}`);
  });
}

/** A provider of nodepool 3 without the tell-tale `pools`. */
function checkEra(tree: YamlMap, report: FaultReport): void {
  itemsOf(valueOf(tree, 'providers')).forEach((provider, index) => {
    const has = (key: string) => valueOf(provider, key) !== undefined;
    if (has('pools') || has('max-servers') || has('images') || !LATER_PROVIDER_KEYS.some(has)) return;
    const message =
      'This provider is written for nodepool 3: give it "max-servers", and "images" instead of "diskimages" and "cloud-images"';
    report.fault(provider.at, ['providers', index], message);
  });
}

function checkHostnames({ tree, sections }: Farm, report: FaultReport): void {
  const hasSubnodes = [...sections.labels.values()].some((label) => label.subnodes > 0);
  for (const [index, target] of sections.targets) {
    const path = ['targets', index];
    if (!nodenameHas(target.hostname, 'node_id')) {
      const at = nodeAt(tree, [...path, 'hostname']).at;
      report.warn(at, [...path, 'hostname'], 'What stands before the first dot lacks {node_id}: nodes share a name');
    }
    if (hasSubnodes && !templateHas(target.subnodeHostname, 'subnode_id')) {
      const at = nodeAt(tree, [...path, 'subnode-hostname']).at;
      report.warn(at, [...path, 'subnode-hostname'], '{subnode_id} is missing: the subnodes of a node share a name');
    }
  }
}

function checkMeta({ tree, sections }: Farm, report: FaultReport): void {
  for (const [index, provider] of sections.providers) {
    provider.images.forEach((image, imageIndex) => {
      if (!isOverlongMeta(image.meta)) return;
      const path = ['providers', index, 'images', imageIndex, 'meta'];
      const message = 'More than 5 entries, or a key or value of more than 255 characters: all are ignored';
      report.warn(keyPlaceAt(tree, path), path, message);
    });
  }
}

/** -1 is how upstream's operators drain a provider; what is less is rather a slip of the finger. */
function checkDrain({ tree, sections }: Farm, report: FaultReport): void {
  for (const [index, { maxServers }] of sections.providers) {
    if (maxServers >= -1) continue;
    const path = ['providers', index, 'max-servers'];
    const message = `Expected a number of servers of 0 or more, found ${maxServers}: nothing is launched`;
    report.warn(nodeAt(tree, path).at, path, message);
  }
}
