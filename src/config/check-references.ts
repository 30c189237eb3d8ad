import type { Farm } from './check-farm.ts';
import type { LabelConfig, ProviderImageConfig } from './config.ts';
import type { KeyPath } from './config-fault.ts';
import type { FaultReport } from './fault-report.ts';
import { nearestKey } from './schema/nearest-key.ts';
import { itemsOf, nodeAt, sourceOf, valueOf } from './yaml/yaml-node.ts';
import type { YamlNode } from './yaml/yaml-node.ts';

/** Names that lead nowhere. A section that could not be read still counts as there: its own fault is enough. */
export function checkReferences(farm: Farm, report: FaultReport): void {
  for (const [index, label] of farm.sections.labels) checkLabel({ farm, label, path: ['labels', index] }, report);
  checkUsedImages(farm, report);
}

type LabelCheck = { readonly farm: Farm; readonly label: LabelConfig; readonly path: KeyPath };

function checkLabel({ farm, label, path }: LabelCheck, report: FaultReport): void {
  const names = namesIn(valueOf(farm.tree, 'providers'));
  const list = nodeAt(farm.tree, [...path, 'providers']);
  if (label.providers.length === 0) report.warn(list.at, [...path, 'providers'], 'No provider serves this label');
  itemsOf(list).forEach((entry, index) => {
    const name = sourceOf(valueOf(entry, 'name'));
    if (name === undefined) return;
    const at = nodeAt(entry, ['name']).at;
    const namePath = [...path, 'providers', index, 'name'];
    if (!names.includes(name)) report.fault(at, namePath, `Unknown provider "${name}"${hint(name, names)}`);
    else if (!hasImage(farm, name, label.image)) {
      const message = `Provider "${name}" has no image "${label.image}": it does not serve this label`;
      report.warn(at, namePath, message);
    }
  });
}

function checkUsedImages(farm: Farm, report: FaultReport): void {
  const diskimages = namesIn(valueOf(farm.tree, 'diskimages'));
  for (const [index, provider] of farm.sections.providers) {
    provider.images.forEach((image, imageIndex) => {
      const isUsed = [...farm.sections.labels.values()].some(
        (label) => label.image === image.name && label.providers.includes(provider.name),
      );
      const fault = isUsed ? buildFault(image, diskimages) : undefined;
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

function hasImage(farm: Farm, provider: string, image: string): boolean {
  const section = itemsOf(valueOf(farm.tree, 'providers')).find((item) => sourceOf(valueOf(item, 'name')) === provider);
  return namesIn(valueOf(section, 'images')).includes(image);
}

function namesIn(list: YamlNode | undefined): readonly string[] {
  return itemsOf(list).flatMap((item) => sourceOf(valueOf(item, 'name')) ?? []);
}

function hint(name: string, known: readonly string[]): string {
  const near = nearestKey(name, known);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}
