import type * as z from 'zod';
import type { YamlEntry } from '../yaml/yaml-node.ts';
import { hasNoUse, keyOfSameShape, nearestKey, placesOf } from './nearest-key.ts';
import { viewSchema } from './schema-shape.ts';

/** Keys of other eras and forks that went elsewhere. */
const MOVED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'use-private-ip': 'Write "private: true" into the entry of clouds.yaml',
    'use-neutron': 'Network services are found in the catalogue',
    'use-floating-ips': 'Write "floating_ip_source" into the entry of clouds.yaml',
    'image-update-interval': 'Write "image-update" under "cron"',
    cloudcache: 'Write "cache" into clouds.yaml',
  }),
);

type UnknownKey = { readonly key: string; readonly entry: YamlEntry; readonly parent: z.core.$ZodType };

/** The warning for a key that nothing reads, with the key that was probably meant. */
export function describeUnknownKey(unknown: UnknownKey, root: z.core.$ZodType): string {
  const hint = hintFor(unknown, root);
  return `Unknown key "${unknown.key}" is ignored${hint === undefined ? '' : `: ${hint}`}`;
}

function hintFor({ key, entry, parent }: UnknownKey, root: z.core.$ZodType): string | undefined {
  const moved = MOVED.get(key);
  if (moved !== undefined) return lowerFirst(moved);
  const { shape } = viewSchema(parent);
  const useful = new Map(shape.kind === 'map' ? [...shape.keys].filter(([, schema]) => !hasNoUse(schema)) : []);
  const near = nearestKey(key, [...useful.keys()]);
  const elsewhere = placesOf(key, root).map((place) => (place === '' ? 'the top level' : `"${place}"`));
  if (elsewhere.length > 0 && !isSpelling(key, near)) return `it belongs to ${elsewhere.join(' or ')}`;
  const meant = keyOfSameShape(entry.value, useful) ?? near;
  return meant === undefined ? undefined : meantHint(meant, useful);
}

function meantHint(meant: string, known: ReadonlyMap<string, z.core.$ZodType>): string {
  const schema = known.get(meant);
  const consequence = schema === undefined ? undefined : viewSchema(schema).notes.ifAbsent;
  return `did you mean "${meant}"?${consequence === undefined ? '' : ` ${consequence}`}`;
}

/** Whether the two differ by their separators only. */
function isSpelling(key: string, near: string | undefined): boolean {
  return near?.replaceAll('_', '-') === key.replaceAll('_', '-');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
