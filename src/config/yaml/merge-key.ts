import type { YamlEntry, YamlNode } from './yaml-node.ts';

/**
 * The entries of a map with what its merge keys (`<<`) bring: its own keys win, then the earlier map of a list
 * (YAML 1.1 "merge", as PyYAML's flatten_mapping). `complain` hears of merged values that are no maps.
 */
export function mergeEntries(
  own: ReadonlyMap<string, YamlEntry>,
  merged: readonly YamlNode[],
  complain: (source: YamlNode, message: string) => void,
): ReadonlyMap<string, YamlEntry> {
  if (merged.length === 0) return own;
  const entries = new Map<string, YamlEntry>();
  // Last first, so that the earlier one overwrites.
  for (const source of merged.flatMap((value) => (value.kind === 'list' ? [...value.items].reverse() : [value]))) {
    if (source.kind === 'map') for (const [key, entry] of source.entries) entries.set(key, entry);
    else complain(source, 'Expected a map or a list of maps to merge by "<<"');
  }
  for (const [key, entry] of own) entries.set(key, entry);
  return entries;
}
