/** The parameter `tree` of Jenkins' API: `computer[displayName,executors[idle]]{0,3}`. */
export type Tree = ReadonlyMap<string, TreeNode>;
type TreeNode = { readonly children: Tree | undefined; readonly range: readonly [number, number] | undefined };

/** @throws {Error} a bracket is missing: Jenkins answers 500 */
export function parseTree(text: string): Tree {
  const reader = new TreeReader(text);
  const tree = reader.readList();
  if (!reader.isAtEnd) throw new Error(`Cannot read tree "${text}"`);
  return tree;
}

class TreeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  readList(): Tree {
    const nodes = new Map<string, TreeNode>();
    do {
      const name = this.#take(/[^,[\]{}]*/y);
      const children = this.#takes('[') ? this.#readChildren() : undefined;
      const range = /^\{(\d*),(\d*)\}$/.exec(this.#take(/(\{\d*,\d*\})?/y));
      nodes.set(name.trim(), { children, range: range === null ? undefined : [Number(range[1]), Number(range[2])] });
    } while (this.#takes(','));
    return nodes;
  }

  #readChildren(): Tree {
    const children = this.readList();
    if (!this.#takes(']')) throw new Error(`Cannot read tree "${this.#text}": a "]" is missing`);
    return children;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += taken.length;
    return taken;
  }

  #takes(character: string): boolean {
    const isNext = this.#text[this.#at] === character;
    if (isNext) this.#at += 1;
    return isNext;
  }
}

/** The part of a value that the tree names, in the value's own order. Unknown names are left out, `_class` always stays. */
export function pruneByTree(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => pruneByTree(item, tree));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([key, inner]) => {
    if (key === '_class') return [[key, inner] as const];
    const node = tree.get(key) ?? tree.get('*');
    return node === undefined ? [] : [[key, pruneInner(inner, node)] as const];
  });
  return Object.fromEntries(kept);
}

function pruneInner(value: unknown, { children, range }: TreeNode): unknown {
  const ranged = range !== undefined && Array.isArray(value) ? (value.slice(range[0], range[1]) as unknown) : value;
  // Without brackets an inner object shows nothing but its class.
  return pruneByTree(ranged, children ?? new Map());
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
