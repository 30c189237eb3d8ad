import type * as z from 'zod';
import type { KeyPath } from '../config-fault.ts';
import { nodeAt } from '../yaml/yaml-node.ts';
import type { ScalarType, YamlNode } from '../yaml/yaml-node.ts';
import { schemaAt, viewSchema } from './schema-shape.ts';
import type { SchemaView } from './schema-shape.ts';

const LONGEST_QUOTE = 60;

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** A zod issue in the words of the house, with what the file holds instead; secrets are not quoted. */
export function describeIssue(issue: z.core.$ZodIssue, schema: z.core.$ZodType, root: YamlNode): string {
  if (issue.code === 'custom') return issue.message;
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  const wanted = schemaAt(schema, path);
  const view = wanted === undefined ? undefined : viewSchema(wanted);
  return `Expected ${expectation(issue, view)}, found ${describeNode(nodeAt(root, path), view?.notes.secret === true)}`;
}

function expectation(issue: z.core.$ZodIssue, view: SchemaView | undefined): string {
  const unit = view?.notes.unit === undefined ? '' : ` of ${view.notes.unit}`;
  if (issue.code === 'invalid_type')
    return `${EXPECTED[isWhole(view) ? 'int' : issue.expected] ?? issue.expected}${unit}`;
  if (issue.code === 'too_small')
    return issue.origin === 'string' ? 'a text that is not empty' : leastNumber(issue, unit);
  if (issue.code === 'too_big') return `a number${unit} of at most ${issue.maximum}`;
  return `another value (${issue.message})`;
}

function leastNumber(issue: z.core.$ZodIssueTooSmall, unit: string): string {
  return `a number${unit} of ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
}

function isWhole(view: SchemaView | undefined): boolean {
  return view?.shape.kind === 'number' && view.shape.isWhole;
}

const FOUND: Readonly<Record<ScalarType, string>> = {
  text: 'the text',
  whole: 'the number',
  fraction: 'the number',
  flag: 'the boolean',
  date: 'the date',
  nothing: 'no value',
};

/** What a file holds at a place: `the number "5"`, `a list`. */
export function describeNode(node: YamlNode, secret = false): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map';
  if (node.type === 'text' && node.source === '') return 'an empty text';
  return secret || node.type === 'nothing' ? FOUND[node.type] : `${FOUND[node.type]} ${quote(node.source)}`;
}

/** The last key of the path if the map before it lacks it or gives it no value; undefined: something is there. */
export function missingKey(root: YamlNode, path: KeyPath): string | undefined {
  const key = path.at(-1);
  const parent = nodeAt(root, path.slice(0, -1));
  if (typeof key !== 'string' || parent.kind !== 'map') return undefined;
  const value = parent.entries.get(key)?.value;
  return value === undefined || (value.kind === 'scalar' && value.type === 'nothing') ? key : undefined;
}

function quote(source: string): string {
  return `"${source.length > LONGEST_QUOTE ? `${source.slice(0, LONGEST_QUOTE)}…` : source}"`;
}
