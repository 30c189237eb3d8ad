import type { Position } from '../config-fault.ts';
import { mapNode, textNode } from '../yaml/yaml-node.ts';
import type { YamlEntry, YamlMap, YamlNode } from '../yaml/yaml-node.ts';

/** Lays `over` on `under`: maps are merged at any depth, all else is replaced (os-client-config, _merge_clouds). */
export function mergeClouds(under: YamlMap, over: YamlMap): YamlMap {
  return merge(under, over, () => true);
}

/** The same, but only `auth` is merged and other maps are replaced (os-client-config, _auth_update). */
export function overlayCloud(under: YamlMap, over: YamlMap): YamlMap {
  return merge(under, over, (key) => key === 'auth');
}

function merge(under: YamlMap, over: YamlMap, isMerged: (key: string) => boolean): YamlMap {
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const earlier = entries.get(key)?.value;
    const value = entry.value;
    const isDeep = isMerged(key) && value.kind === 'map' && earlier?.kind === 'map';
    entries.set(key, isDeep ? { ...entry, value: mergeClouds(earlier, value) } : entry);
  }
  return { ...over, entries };
}

/** The map with `_` for `-` in all keys, at any depth; empty values are dropped. */
export function normalizeKeys(map: YamlMap): YamlMap {
  const entries = new Map<string, YamlEntry>();
  for (const [key, entry] of map.entries) {
    if (entry.value.kind === 'scalar' && entry.value.type === 'nothing') continue;
    entries.set(key.replaceAll('-', '_'), { ...entry, value: normalizeNode(entry.value) });
  }
  return { ...map, entries };
}

function normalizeNode(node: YamlNode): YamlNode {
  if (node.kind === 'map') return normalizeKeys(node);
  return node.kind === 'list' ? { ...node, items: node.items.map(normalizeNode) } : node;
}

/** The map with some keys set or, by undefined, taken away. */
export function withKeys(map: YamlMap, values: Readonly<Record<string, YamlNode | undefined>>): YamlMap {
  const entries = new Map(map.entries);
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) entries.delete(key);
    else entries.set(key, { keyAt: value.at, value });
  }
  return { ...map, entries };
}

export type ShippedValue = string | boolean | readonly string[] | { readonly [key: string]: ShippedValue };

/** A map that stands in this program instead of a file; its faults are shown at `at`. */
export function shippedMap(values: Readonly<Record<string, ShippedValue>>, at: Position): YamlMap {
  return mapNode(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, shippedNode(value, at)])), at);
}

function shippedNode(value: ShippedValue, at: Position): YamlNode {
  if (typeof value === 'string') return textNode(value, at);
  if (typeof value === 'boolean') return { kind: 'scalar', type: 'flag', value, source: String(value), at };
  if (isList(value)) return { kind: 'list', items: value.map((item) => textNode(item, at)), at };
  return shippedMap(value, at);
}

function isList(value: ShippedValue): value is readonly string[] {
  return Array.isArray(value);
}
