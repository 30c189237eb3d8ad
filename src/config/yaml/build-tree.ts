import { isAlias, isMap, isPair, isScalar, isSeq, Scalar } from 'yaml';
import type { Alias, Pair, ParsedNode, YAMLMap, YAMLSeq } from 'yaml';
import type { KeyPath, Position } from '../config-fault.ts';
import type { FaultReport } from '../fault-report.ts';
import { mergeEntries } from './merge-key.ts';
import { resolveScalar } from './resolve-scalar.ts';
import { positionOf, TOO_DEEP } from './syntax-fault.ts';
import type { YamlText } from './syntax-fault.ts';
import type { YamlEntry, YamlNode } from './yaml-node.ts';

/** More values than any farm needs. Aliases count as what they stand for, so a bomb of nested aliases is refused. */
const MAX_VALUES = 200_000;
const MAX_DEPTH = 100;

const YAML_TAG = 'tag:yaml.org,2002:';

/** The document as nodes with places; aliases and merge keys resolved. Undefined: faults were reported. */
export function buildTree(contents: ParsedNode | null, yaml: YamlText, report: FaultReport): YamlNode | undefined {
  const top: Position = { file: yaml.file, line: 1, column: 1 };
  if (contents === null) return { kind: 'scalar', type: 'nothing', value: null, source: '', at: top };
  const builder = new TreeBuilder(yaml, report);
  const tree = builder.build(contents, []);
  if (builder.weightOf(tree) > MAX_VALUES) {
    report.fault(top, [], `The file holds more than ${MAX_VALUES} values`);
    return undefined;
  }
  return builder.faulty ? undefined : tree;
}

class TreeBuilder {
  readonly #yaml: YamlText;
  readonly #report: FaultReport;
  /** Null while the anchored value is being read. */
  readonly #anchors = new Map<string, YamlNode | null>();
  readonly #weights = new Map<YamlNode, number>();
  faulty = false;

  constructor(yaml: YamlText, report: FaultReport) {
    this.#yaml = yaml;
    this.#report = report;
  }

  /** How many values a node stands for. */
  weightOf(node: YamlNode): number {
    return this.#weights.get(node) ?? 1;
  }

  build(node: unknown, path: KeyPath): YamlNode {
    if (isAlias(node)) return this.#alias(node, path);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const built = this.#value(node, path);
    if (anchor !== undefined) this.#anchors.set(anchor, built);
    return built;
  }

  #value(node: unknown, path: KeyPath): YamlNode {
    if (path.length > MAX_DEPTH) return this.#refuse(node, path, TOO_DEEP);
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) return this.#list(node, path);
    return this.#scalar(node, path);
  }

  #map(node: YAMLMap, path: KeyPath): YamlNode {
    if (isForeign(node.tag, 'map')) return this.#refuse(node, path, unknown('tag', String(node.tag), path));
    const own = new Map<string, YamlEntry>();
    const merged: YamlNode[] = [];
    for (const pair of node.items) {
      if (isScalar(pair.key) && pair.key.source === '<<' && pair.key.type === Scalar.PLAIN) {
        merged.push(this.build(pair.value, path));
      } else {
        this.#entry(pair, own, path);
      }
    }
    const entries = mergeEntries(own, merged, (source, message) => {
      this.#complain(source.at, path, message);
    });
    return this.#weigh(
      { kind: 'map', entries, at: this.#place(node) },
      [...entries.values()].map((entry) => entry.value),
    );
  }

  #entry(pair: Pair, entries: Map<string, YamlEntry>, path: KeyPath): void {
    const keyNode = this.build(pair.key, path);
    if (keyNode.kind !== 'scalar') {
      this.#complain(keyNode.at, path, 'Expected a text as key, found a map or a list');
      return;
    }
    const key = keyNode.source;
    const keyPath = [...path, key];
    const earlier = entries.get(key);
    if (earlier !== undefined) {
      const message = `Key "${key}" in line ${keyNode.at.line} was already given in line ${earlier.keyAt.line}`;
      this.#complain(keyNode.at, keyPath, message);
    }
    const value = this.build(pair.value, keyPath);
    // An empty value has no place of its own that helps: the key's has.
    const placed = value.kind === 'scalar' && value.type === 'nothing' ? { ...value, at: keyNode.at } : value;
    entries.set(key, { keyAt: keyNode.at, value: placed });
  }

  #list(node: YAMLSeq, path: KeyPath): YamlNode {
    if (isForeign(node.tag, 'seq')) return this.#refuse(node, path, unknown('tag', String(node.tag), path));
    const items = node.items.map((item, index) => this.#item(item, [...path, index]));
    return this.#weigh({ kind: 'list', items, at: this.#place(node) }, items);
  }

  #item(item: unknown, path: KeyPath): YamlNode {
    // `[a: 1]`: a pair alone is a map of one key.
    if (!isPair(item)) return this.build(item, path);
    const entries = new Map<string, YamlEntry>();
    this.#entry(item, entries, path);
    return this.#weigh(
      { kind: 'map', entries, at: this.#place(item.key) },
      [...entries.values()].map((entry) => entry.value),
    );
  }

  #scalar(node: unknown, path: KeyPath): YamlNode {
    const at = this.#place(node);
    if (!isScalar(node)) return { kind: 'scalar', type: 'nothing', value: null, source: '', at };
    const source = typeof node.value === 'string' ? node.value : (node.source ?? '');
    const quoted = node.type !== Scalar.PLAIN && node.type !== undefined;
    if (isForeign(node.tag, 'str', 'int', 'float', 'bool', 'null', 'timestamp')) {
      return this.#refuse(node, path, unknown('tag', String(node.tag), path));
    }
    const isText = quoted ? node.tag === undefined : false;
    if (isText || node.tag === '!' || node.tag === `${YAML_TAG}str`) {
      return { kind: 'scalar', type: 'text', value: source, source, at };
    }
    return { kind: 'scalar', ...resolveScalar(source), source, at };
  }

  #alias(alias: Alias, path: KeyPath): YamlNode {
    const target = this.#anchors.get(alias.source);
    if (target === undefined) return this.#refuse(alias, path, unknown('alias', `*${alias.source}`, path));
    if (target === null) return this.#refuse(alias, path, `Alias "*${alias.source}" stands inside its own value`);
    return target;
  }

  #refuse(node: unknown, path: KeyPath, message: string): YamlNode {
    const at = this.#place(node);
    this.#complain(at, path, message);
    return { kind: 'scalar', type: 'nothing', value: null, source: '', at };
  }

  #complain(at: Position, path: KeyPath, message: string): void {
    this.faulty = true;
    this.#report.fault(at, path, message);
  }

  #weigh<T extends YamlNode>(node: T, parts: readonly YamlNode[]): T {
    const weight = parts.reduce((sum, part) => sum + this.weightOf(part), 1);
    this.#weights.set(node, Math.min(weight, 2 * MAX_VALUES));
    return node;
  }

  #place(node: unknown): Position {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    return positionOf(this.#yaml, range?.[0] ?? 0);
  }
}

/** A tag that a configuration has no use for: a class of another program, binary data, a set. */
function isForeign(tag: string | undefined, ...known: readonly string[]): boolean {
  return tag !== undefined && tag !== '!' && !known.some((name) => tag === YAML_TAG + name);
}

const SECRET_KEY = /pass|secret|token|key|dburi|credential/i;

/** A password that begins with "*" or "!" and stands without quotes looks like one: there its name is not shown. */
function unknown(kind: 'alias' | 'tag', name: string, path: KeyPath): string {
  return SECRET_KEY.test(String(path.at(-1)))
    ? `Unknown ${kind}: put the text into quotes`
    : `Unknown ${kind} "${name}"`;
}
