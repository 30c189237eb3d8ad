import { distance } from 'fastest-levenshtein';
import type * as z from 'zod';
import type { YamlNode } from '../yaml/yaml-node.ts';
import { viewSchema } from './schema-shape.ts';

/** Longer keys are no misspelling of ours, and the distance of two texts costs the product of their lengths. */
const LONGEST_KEY = 40;

/** The known key that an unknown one most likely means: other separators, other order of words, a slip of the finger. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  if (key.length > LONGEST_KEY) return undefined;
  const same = known.find((candidate) => wordsOf(candidate) === wordsOf(key));
  if (same !== undefined) return same;
  const [best] = known
    .map((candidate) => ({ candidate, slips: distance(plain(key), plain(candidate)) }))
    .sort((a, b) => a.slips - b.slips);
  return best !== undefined && best.slips <= allowedSlips(key) ? best.candidate : undefined;
}

/** The known key whose value is a map of the same keys: `kaminario: {url, user, apikey}` can only mean `jenkins`. */
export function keyOfSameShape(value: YamlNode, known: ReadonlyMap<string, z.core.$ZodType>): string | undefined {
  const given = keysOf(value);
  let best: { key: string; shared: number } | undefined;
  for (const [key, schema] of known) {
    const expected = new Set(expectedKeys(schema));
    const shared = given.filter((one) => expected.has(one)).length;
    if (shared > (best?.shared ?? 0)) best = { key, shared };
  }
  return best !== undefined && best.shared * 2 >= given.length && best.shared > 1 ? best.key : undefined;
}

/** Every place of the schema that knows the key, such as `providers[].images`. */
export function placesOf(key: string, schema: z.core.$ZodType, place = ''): readonly string[] {
  const { shape } = viewSchema(schema);
  if (shape.kind === 'list') return placesOf(key, shape.item, `${place}[]`);
  if (shape.kind !== 'map') return [];
  const own = shape.keys.get(key);
  const here = own === undefined || hasNoUse(own) ? [] : [place];
  const below = [...shape.keys].flatMap(([name, value]) =>
    placesOf(key, value, place === '' ? name : `${place}.${name}`),
  );
  return [...here, ...below];
}

/** Whether a suggestion of this key would help nobody. */
export function hasNoUse(schema: z.core.$ZodType): boolean {
  const { notes } = viewSchema(schema);
  return notes.withoutEffect !== undefined || notes.rejected !== undefined || notes.insteadOf !== undefined;
}

function allowedSlips(key: string): number {
  return Math.min(4, Math.max(1, Math.floor(key.length / 2)));
}

function wordsOf(key: string): string {
  return key.toLowerCase().split(/[-_ ]/).sort().join(' ');
}

function plain(key: string): string {
  return key.toLowerCase().replaceAll('_', '-');
}

function keysOf(value: YamlNode): readonly string[] {
  const sample = value.kind === 'list' ? value.items[0] : value;
  return sample?.kind === 'map' ? [...sample.entries.keys()] : [];
}

function expectedKeys(schema: z.core.$ZodType): readonly string[] {
  const { shape } = viewSchema(schema);
  const sample = shape.kind === 'list' ? viewSchema(shape.item).shape : shape;
  return sample.kind === 'map' ? [...sample.keys.keys()] : [];
}
