import type { FaultReport } from '../fault-report.ts';
import { itemsOf, sourceOf, valueOf } from '../yaml/yaml-node.ts';
import type { YamlMap, YamlNode } from '../yaml/yaml-node.ts';

/** A region of a cloud; its values win over the cloud's. */
export type Region = { readonly name?: string; readonly values?: YamlMap };

type RegionChoice = {
  /** The entry of clouds.yaml and, below it, its vendor profile. */
  readonly cloud: YamlMap;
  readonly profile: YamlMap | undefined;
  readonly cloudName: string;
  /** The provider's `region-name`. */
  readonly wanted: YamlNode | undefined;
};

/** The region that the provider wants, else the first one (os-client-config, _get_region). Undefined: a fault. */
export function chooseRegion(choice: RegionChoice, report: FaultReport): Region | undefined {
  const wanted = sourceOf(choice.wanted);
  const own = regionsOf(choice.cloud);
  const known = own.length > 0 || choice.profile === undefined ? own : regionsOf(choice.profile);
  if (wanted === undefined || wanted === '') return known[0] ?? {};
  if (known.length === 0) return { name: wanted };
  const found = known.find((region) => region.name === wanted);
  if (found === undefined && choice.wanted !== undefined) {
    const names = known.map((region) => `"${region.name ?? ''}"`).join(', ');
    const message = `Cloud "${choice.cloudName}" has no region "${wanted}": it has ${names}`;
    report.fault(choice.wanted.at, ['region-name'], message);
  }
  return found;
}

function regionsOf(cloud: YamlMap): readonly Region[] {
  const regions = valueOf(cloud, 'regions');
  if (regions?.kind === 'list') return regions.items.flatMap(toRegion);
  const name = valueOf(cloud, 'region_name');
  if (name?.kind === 'list') return itemsOf(name).flatMap(toRegion);
  return (sourceOf(name) ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => ({ name: part }));
}

function toRegion(node: YamlNode): readonly Region[] {
  const name = sourceOf(node) ?? sourceOf(valueOf(node, 'name'));
  if (name === undefined) return [];
  const values = valueOf(node, 'values');
  return [values?.kind === 'map' ? { name, values } : { name }];
}
