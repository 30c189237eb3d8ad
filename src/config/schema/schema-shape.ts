import * as z from 'zod';
import type { KeyPath } from '../config-fault.ts';
import type { FieldNotes } from './fields.ts';

/** A zod schema seen from outside: what it wraps, what it holds. */
export type SchemaShape =
  | { readonly kind: 'map'; readonly keys: ReadonlyMap<string, z.core.$ZodType> }
  | { readonly kind: 'list'; readonly item: z.core.$ZodType }
  | { readonly kind: 'record'; readonly value: z.core.$ZodType }
  | { readonly kind: 'number'; readonly isWhole: boolean }
  | { readonly kind: 'text' | 'flag' | 'anything' };

export type SchemaView = {
  readonly shape: SchemaShape;
  readonly notes: FieldNotes;
  readonly required: boolean;
  /** As the file would spell it. */
  readonly default?: unknown;
};

/** What a schema accepts from the file, whatever it makes of it. */
export function viewSchema(schema: z.core.$ZodType): SchemaView {
  let inner = schema;
  let required = true;
  let preset: unknown;
  for (;;) {
    const def = defOf(inner);
    if (def.type === 'optional') required = false;
    else if (def.type === 'default' || def.type === 'prefault') preset = def.defaultValue;
    else if (def.type !== 'pipe') break;
    inner = def.type === 'pipe' ? def.in : def.innerType;
  }
  required = required && preset === undefined;
  const notes = { ...notesOf(inner), ...notesOf(schema) };
  return { shape: shapeOf(inner), notes, required, ...(preset === undefined ? {} : { default: preset }) };
}

/** The schema of a key below; undefined where the schema says nothing about it. */
export function schemaAt(schema: z.core.$ZodType, path: KeyPath): z.core.$ZodType | undefined {
  let found: z.core.$ZodType | undefined = schema;
  for (const step of path) {
    if (found === undefined) return undefined;
    found = below(viewSchema(found).shape, step);
  }
  return found;
}

function below(shape: SchemaShape, step: string | number): z.core.$ZodType | undefined {
  if (shape.kind === 'map') return shape.keys.get(String(step));
  if (shape.kind === 'list') return shape.item;
  return shape.kind === 'record' ? shape.value : undefined;
}

function shapeOf(schema: z.core.$ZodType): SchemaShape {
  const def = defOf(schema);
  if (def.type === 'object') return { kind: 'map', keys: new Map(Object.entries(def.shape)) };
  if (def.type === 'array') return { kind: 'list', item: def.element };
  if (def.type === 'record') return { kind: 'record', value: def.valueType };
  if (def.type === 'string') return { kind: 'text' };
  if (def.type === 'number') return { kind: 'number', isWhole: 'format' in def };
  return { kind: def.type === 'boolean' ? 'flag' : 'anything' };
}

function notesOf(schema: z.core.$ZodType): FieldNotes {
  return (z.globalRegistry.get(schema) ?? {}) as FieldNotes; // the builders of fields.ts are the only writers
}

function defOf(schema: z.core.$ZodType) {
  // $ZodType is the base of all schemas and does not know its kinds; $ZodTypes is their union, told apart by `type`.
  return (schema as z.core.$ZodTypes)._zod.def;
}
