import type { Farm } from './check-farm.ts';
import type { LabelConfig, ProviderImageConfig } from './config.ts';
import type { KeyPath } from './config-fault.ts';
import type { FaultReport } from './fault-report.ts';
import { nearestKey } from './schema/nearest-key.ts';
import { itemsOf, nodeAt, sourceOf, valueOf } from './yaml/yaml-node.ts';
import type { YamlNode } from './yaml/yaml-node.ts';

/** Names that lead nowhere. A section that could not be read still counts as there: its own fault is enough. */
export function checkReferences(farm: Farm, report: FaultReport): void {
  const images = imagesByProvider(farm);
  for (const [index, label] of farm.sections.labels)
    checkLabel({ farm, images, label, path: ['labels', index] }, report);
  checkUsedImages(farm, report);
}

type LabelCheck = {
  readonly farm: Farm;
  /** Provider → its images, as the file names them. */
  readonly images: ReadonlyMap<string, ReadonlySet<string>>;
  readonly label: LabelConfig;
  readonly path: KeyPath;
};

function checkLabel({ farm, images, label, path }: LabelCheck, report: FaultReport): void {
  const list = nodeAt(farm.tree, [...path, 'providers']);
  if (label.providers.length === 0) report.warn(list.at, [...path, 'providers'], 'No provider serves this label');
  itemsOf(list).forEach((entry, index) => {
    const name = sourceOf(valueOf(entry, 'name'));
    if (name === undefined) return;
    const at = nodeAt(entry, ['name']).at;
    const namePath = [...path, 'providers', index, 'name'];
    const known = images.get(name);
    if (known === undefined) {
      report.fault(at, namePath, `Unknown provider "${name}"${hint(name, [...images.keys()])}`);
    } else if (!known.has(label.image)) {
      const message = `Provider "${name}" has no image "${label.image}": it does not serve this label`;
      report.warn(at, namePath, message);
    }
  });
}

function checkUsedImages(farm: Farm, report: FaultReport): void {
  const diskimages = namesIn(valueOf(farm.tree, 'diskimages'));
  const used = new Set(
    [...farm.sections.labels.values()].flatMap(({ image, providers }) => providers.map((name) => keyOf(name, image))),
  );
  for (const [index, provider] of farm.sections.providers) {
    provider.images.forEach((image, imageIndex) => {
      const fault = used.has(keyOf(provider.name, image.name)) ? buildFault(image, diskimages) : undefined;
      if (fault === undefined) return;
      const path = ['providers', index, 'images', imageIndex, ...fault.key];
      report.warn(nodeAt(farm.tree, path).at, path, fault.message);
    });
  }
}

/** Why the image can never be built; undefined: it can. */
function buildFault(image: ProviderImageConfig, diskimages: readonly string[]) {
  const { diskimage, name, setup } = image;
  if (diskimage !== undefined) {
    if (diskimages.includes(diskimage)) return undefined;
    return {
      key: ['diskimage'],
      message: `Unknown diskimage "${diskimage}"${hint(diskimage, diskimages)}: image "${name}" will never be ready`,
    };
  }
  if (setup !== undefined || diskimages.includes(name)) return undefined;
  return { key: [], message: `Image "${name}" has neither "setup" nor "diskimage": it will never be ready` };
}

function keyOf(provider: string, image: string): string {
  return JSON.stringify([provider, image]);
}

function imagesByProvider(farm: Farm): ReadonlyMap<string, ReadonlySet<string>> {
  const byName = new Map<string, ReadonlySet<string>>();
  for (const section of itemsOf(valueOf(farm.tree, 'providers'))) {
    const name = sourceOf(valueOf(section, 'name'));
    // The first of a name counts; that there are two is a fault of its own.
    if (name !== undefined && !byName.has(name)) byName.set(name, new Set(namesIn(valueOf(section, 'images'))));
  }
  return byName;
}

function namesIn(list: YamlNode | undefined): readonly string[] {
  return itemsOf(list).flatMap((item) => sourceOf(valueOf(item, 'name')) ?? []);
}

function hint(name: string, known: readonly string[]): string {
  const near = nearestKey(name, known);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}
