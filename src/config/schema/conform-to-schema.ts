import type * as z from 'zod';
import type { KeyPath } from '../config-fault.ts';
import type { FaultReport } from '../fault-report.ts';
import type { YamlEntry, YamlMap, YamlNode } from '../yaml/yaml-node.ts';
import { conformScalar } from './conform-scalar.ts';
import { describeNode } from './describe-issue.ts';
import { describeUnknownKey } from './unknown-key.ts';
import { viewSchema } from './schema-shape.ts';
import type { SchemaView } from './schema-shape.ts';

type Context = { readonly root: z.core.$ZodType; readonly report: FaultReport };

/**
 * The plain value that zod is to judge. Warns of what is accepted though it is not as it should be: unknown keys, empty
 * values, numbers in quotes, numbers as text. What is wrong beyond that is passed on as it is.
 */
export function conformToSchema(schema: z.core.$ZodType, node: YamlNode, report: FaultReport): unknown {
  return conform({ schema, node, path: [] }, { root: schema, report });
}

type Step = { readonly schema: z.core.$ZodType; readonly node: YamlNode; readonly path: KeyPath };

function conform(step: Step, context: Context): unknown {
  const view = viewSchema(step.schema);
  const { node, path } = step;
  if (node.kind === 'scalar' && view.shape.kind !== 'list') {
    return conformScalar({ node, path, view }, context.report);
  }
  if (view.shape.kind === 'list') return conformList(step, view, context);
  if (node.kind === 'map' && view.shape.kind === 'record') return conformRecord({ ...step, node }, view, context);
  if (node.kind === 'map' && view.shape.kind === 'map') return conformMap({ ...step, node }, context);
  return plainValue(node);
}

function conformList(step: Step, view: SchemaView, context: Context): unknown {
  if (view.shape.kind !== 'list') return plainValue(step.node);
  const { item } = view.shape;
  if (view.notes.oneOrMany === true && step.node.kind === 'scalar')
    return [conform({ ...step, schema: item }, context)];
  if (step.node.kind !== 'list') return plainValue(step.node);
  return step.node.items.map((node, index) => conform({ schema: item, node, path: [...step.path, index] }, context));
}

function conformRecord(step: Step & { readonly node: YamlMap }, view: SchemaView, context: Context): unknown {
  if (view.shape.kind !== 'record') return plainValue(step.node);
  const schema = view.shape.value;
  const plain: Record<string, unknown> = {};
  for (const [key, { value }] of step.node.entries) {
    const inner = view.notes.flattened === true && value.kind === 'map' ? value.entries : new Map([[key, { value }]]);
    for (const [innerKey, entry] of inner) {
      define(plain, innerKey, conform({ schema, node: entry.value, path: [...step.path, key] }, context));
    }
  }
  return plain;
}

function conformMap(step: Step & { readonly node: YamlMap }, context: Context): unknown {
  const { shape } = viewSchema(step.schema);
  const plain: Record<string, unknown> = {};
  for (const [key, entry] of step.node.entries) {
    const path = [...step.path, key];
    const schema = shape.kind === 'map' ? shape.keys.get(key) : undefined;
    if (schema === undefined) {
      warnOfUnknownKey({ key, entry, path, parent: step.schema }, context);
      continue;
    }
    const target = noteKey({ schema, entry, path }, context.report);
    if (target === undefined) continue;
    const value = conformEntry({ schema, node: entry.value, path }, context);
    if (value !== undefined) define(plain, target, value);
  }
  return plain;
}

type UnknownEntry = Parameters<typeof describeUnknownKey>[0] & { readonly path: KeyPath };

/** Looking for what was meant takes a fraction of a millisecond, which counts if a file has ten thousand such keys. */
function warnOfUnknownKey({ path, ...unknown }: UnknownEntry, { root, report }: Context): void {
  const message = report.isFullOfWarnings ? 'Unknown key' : describeUnknownKey(unknown, root);
  report.warn(unknown.entry.keyAt, path, message);
}

/** The key under which zod finds the value; undefined: nothing reads it. */
function noteKey(
  { schema, entry, path }: { schema: z.core.$ZodType; entry: YamlEntry; path: KeyPath },
  report: FaultReport,
): string | undefined {
  const { notes } = viewSchema(schema);
  const key = String(path.at(-1));
  if (notes.rejected !== undefined) report.fault(entry.keyAt, path, notes.rejected);
  else if (notes.withoutEffect !== undefined)
    report.warn(entry.keyAt, path, `Key "${key}" has no effect: ${notes.withoutEffect}`);
  else if (notes.insteadOf !== undefined) {
    report.warn(entry.keyAt, path, `Key "${key}" is read as "${notes.insteadOf}"`);
    return notes.insteadOf;
  } else return key;
  return undefined;
}

/** A key with an empty value is as good as absent; a list is then empty (upstream stops with a TypeError). */
function conformEntry(step: Step, context: Context): unknown {
  const view = viewSchema(step.schema);
  const { node, path } = step;
  if (view.shape.kind === 'anything') return undefined;
  if (node.kind === 'scalar' && node.type === 'nothing') {
    const isList = view.shape.kind === 'list';
    if (isList || !view.required) {
      const reading = isList ? 'it is read as an empty list' : 'it is read as absent';
      context.report.warn(node.at, path, `Key "${String(path.at(-1))}" has no value: ${reading}`);
    }
    return isList ? [] : undefined;
  }
  if (view.notes.mapOrIgnored === true && node.kind !== 'map') {
    context.report.warn(node.at, path, `Expected a map, found ${describeNode(node)}: it is ignored`);
    return undefined;
  }
  return conform(step, context);
}

function plainValue(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.value;
  return node.kind === 'list' ? [] : {};
}

/** Like an assignment, but a key named `__proto__` is a key too. */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
