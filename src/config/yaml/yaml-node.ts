/** What a YAML file says, each value with its place: plain values could not say where a fault is. */
import type { KeyPath, Position } from '../config-fault.ts';

export type YamlNode = YamlScalar | YamlList | YamlMap;

export type ScalarType = 'text' | 'whole' | 'fraction' | 'flag' | 'date' | 'nothing';

export type YamlScalar = {
  readonly kind: 'scalar';
  readonly type: ScalarType;
  readonly value: string | number | boolean | null;
  /** As the file spells it; of a quoted scalar, what is between the quotes. */
  readonly source: string;
  readonly at: Position;
};

export type YamlList = { readonly kind: 'list'; readonly items: readonly YamlNode[]; readonly at: Position };

export type YamlMap = {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, YamlEntry>;
  readonly at: Position;
};

export type YamlEntry = { readonly keyAt: Position; readonly value: YamlNode };

/** The value of a key, if the node is a map and has it. */
export function valueOf(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
}

/** The items of a list; none of anything else. */
export function itemsOf(node: YamlNode | undefined): readonly YamlNode[] {
  return node?.kind === 'list' ? node.items : [];
}

/** The text of a scalar as the file spells it; undefined of anything else and of an empty value. */
export function sourceOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' && node.type !== 'nothing' ? node.source : undefined;
}

/** The deepest node on the way: of a missing key the map that lacks it. */
export function nodeAt(node: YamlNode, path: KeyPath): YamlNode {
  let found = node;
  for (const step of path) {
    const next = typeof step === 'number' ? itemsOf(found)[step] : valueOf(found, step);
    if (next === undefined) return found;
    found = next;
  }
  return found;
}

/** Where the last step of the path is written: a key's own place, an item's place. */
export function keyPlaceAt(node: YamlNode, path: KeyPath): Position {
  const key = path.at(-1);
  const parent = nodeAt(node, path.slice(0, -1));
  if (typeof key === 'string' && parent.kind === 'map') return parent.entries.get(key)?.keyAt ?? parent.at;
  return nodeAt(node, path).at;
}

/** A text scalar that no YAML file spells, such as an environment variable. */
export function textNode(value: string, at: Position): YamlScalar {
  return { kind: 'scalar', type: 'text', value, source: value, at };
}

/** A map of nodes, all keys at one place. */
export function mapNode(values: Readonly<Record<string, YamlNode | undefined>>, at: Position): YamlMap {
  const entries = new Map<string, YamlEntry>();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) entries.set(key, { keyAt: value.at, value });
  }
  return { kind: 'map', entries, at };
}
