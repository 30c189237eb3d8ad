import type { SeededRandomness } from './seeded-randomness.ts';

const ODD_VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e21,
    -1e308,
    2 ** 53,
    '',
    ' ',
    '0',
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
  ],
  ...[[], {}, [[]], [null], { '': null }, 'A'.repeat(5000), '../../etc', '\r\nX: y', '9'.repeat(400)],
];
const ODD_KEYS = ['__proto__', 'constructor', 'toString', '', 'id', 'length', '\u0000'];
const DEEPEST = 3000;

/** The same document with one to four things wrong: a value of another kind, a key gone, doubled or renamed, nesting. */
export function mutateJson(document: unknown, randomness: SeededRandomness): string {
  let mutated: unknown = structuredClone(document);
  for (let times = 1 + randomness.below(4); times > 0; times -= 1) mutated = mutateSomewhere(mutated, randomness);
  const text = JSON.stringify(mutated);
  // What no value of ours holds: a key of a prototype as the document's own.
  return randomness.isOneIn(8) ? text.replace(/"(?=[a-z])/, '"__proto__":{"polluted":"yes"},"') : text;
}

function mutateSomewhere(node: unknown, randomness: SeededRandomness): unknown {
  if (typeof node !== 'object' || node === null || randomness.isOneIn(6)) return mutateHere(node, randomness);
  if (Array.isArray(node)) return node.length === 0 ? mutateHere(node, randomness) : inList(node, randomness);
  const keys = Object.keys(node);
  return keys.length === 0 ? mutateHere(node, randomness) : inMap(new Map(Object.entries(node)), keys, randomness);
}

function inList(list: readonly unknown[], randomness: SeededRandomness): unknown {
  const at = randomness.below(list.length);
  const item: unknown = list[at];
  switch (randomness.below(8)) {
    case 0:
      return [...list.slice(0, at), ...list.slice(at + 1)];
    case 1:
      return [...list.slice(0, at), item, ...list.slice(at)];
    case 2:
      return Array.from({ length: 1 + randomness.below(2000) }, () => item);
    default:
      return [...list.slice(0, at), mutateSomewhere(item, randomness), ...list.slice(at + 1)];
  }
}

function inMap(entries: Map<string, unknown>, keys: readonly string[], randomness: SeededRandomness): unknown {
  const key = randomness.pick(keys);
  const value = entries.get(key);
  switch (randomness.below(8)) {
    case 0:
      entries.delete(key);
      break;
    case 1:
      entries.set(randomness.pick(ODD_KEYS), value);
      break;
    default:
      entries.set(key, mutateSomewhere(value, randomness));
  }
  return Object.fromEntries(entries);
}

function mutateHere(node: unknown, randomness: SeededRandomness): unknown {
  switch (randomness.below(6)) {
    case 0:
      return nested(node, 1 + randomness.below(DEEPEST));
    case 1:
      return typeof node === 'string' ? node.repeat(1 + randomness.below(50)) : [node];
    case 2:
      return { value: node };
    default:
      return randomness.pick(ODD_VALUES);
  }
}

function nested(node: unknown, depth: number): unknown {
  let outer = node;
  for (let level = 0; level < depth; level += 1) outer = level % 2 === 0 ? [outer] : { x: outer };
  return outer;
}
