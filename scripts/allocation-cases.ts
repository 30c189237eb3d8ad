import { z } from 'zod';
import { NODE_STATES } from '../src/node/lifecycle.ts';

/** Reads the case file format `allocation-cases/1`: named allocation problems with their expected results. */

const Integer = z.int();
const Names = z.array(z.string());

/** An object with free keys, as a map: a label may be called `constructor`. */
function mapOf<V extends z.ZodType>(value: V) {
  const entries = (input: unknown): unknown =>
    typeof input === 'object' && input !== null && !Array.isArray(input) ? new Map(Object.entries(input)) : input;
  return z.preprocess(entries, z.map(z.string(), value));
}

const Row = z.object({ label: z.string(), provider: z.string(), target: z.string(), count: Integer });
const History = z.array(mapOf(z.object({ requested: Integer, granted: Integer }))).default([]);
const Counts = mapOf(Integer);

const AllocateInput = z.object({
  providers: z.array(z.object({ name: z.string(), available: Integer })),
  targets: z.array(z.object({ name: z.string() })),
  labels: z.array(
    z.object({ name: z.string(), requested: Integer, subnodes: Integer, providers: Names, current: Counts }),
  ),
  history: History,
});

const NeededInput = z.object({
  gearman: z.array(z.string().nullable()).nullable(),
  providers: z.array(z.object({ name: z.string(), maxServers: Integer, readyImages: Names })),
  targets: z.array(z.object({ name: z.string(), online: z.boolean() })),
  labels: z.array(
    z.object({ name: z.string(), image: z.string(), minReady: Integer, subnodes: Integer, providers: Names }),
  ),
  nodes: z.array(
    z.object({
      provider: z.string(),
      label: z.string(),
      target: z.string(),
      state: z.enum(NODE_STATES),
      subnodes: Integer,
      count: Integer,
    }),
  ),
  history: History,
});

const AllocateExpected = z.object({ rounds: z.array(z.array(Row)) });
const NeededExpected = z.object({ demand: Counts, available: Counts, deficit: Counts, launch: z.array(Row) });

const AllocateCase = z.object({
  name: z.string(),
  kind: z.literal('allocate'),
  rounds: Integer.min(1).default(1),
  input: AllocateInput,
  expected: AllocateExpected.optional(),
  expectedCorrected: AllocateExpected.optional(),
});

const NeededCase = z.object({
  name: z.string(),
  kind: z.literal('needed'),
  input: NeededInput,
  expected: NeededExpected.optional(),
  expectedCorrected: NeededExpected.optional(),
});

export const AllocationCase = z.discriminatedUnion('kind', [AllocateCase, NeededCase]);
export type AllocateCase = z.output<typeof AllocateCase>;
export type NeededCase = z.output<typeof NeededCase>;
export type CaseRow = z.output<typeof Row>;

const CaseFile = z.object({ format: z.literal('allocation-cases/1'), cases: z.array(z.unknown()) });

/**
 * The cases of a file, not yet validated: a malformed one must not hide the others.
 * @throws {Error} the text is not a case file
 */
export function parseCaseFile(text: string): readonly unknown[] {
  const file = CaseFile.safeParse(parseJson(text));
  if (!file.success) throw new Error(`Not a file of allocation cases: ${describeIssues(file.error)}`);
  return file.data.cases;
}

/** The first few complaints with their paths, on one line. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`Not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
