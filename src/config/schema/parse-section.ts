import type * as z from 'zod';
import type { KeyPath } from '../config-fault.ts';
import type { FaultReport } from '../fault-report.ts';
import { nodeAt } from '../yaml/yaml-node.ts';
import type { YamlNode } from '../yaml/yaml-node.ts';
import { conformToSchema } from './conform-to-schema.ts';
import { describeIssue, missingKey } from './describe-issue.ts';

type Section<T extends z.ZodType> = {
  readonly schema: T;
  readonly node: YamlNode;
  /** Where the node stands in its file. */
  readonly path: KeyPath;
};

/** The typed section. Undefined: faults were reported, with the place of each. */
export function parseSection<T extends z.ZodType>(section: Section<T>, report: FaultReport): z.output<T> | undefined {
  const { schema, node } = section;
  const result = schema.safeParse(conformToSchema(schema, node, report));
  if (result.success) return result.data;
  for (const issue of result.error.issues) reportIssue(issue, section, report);
  return undefined;
}

function reportIssue(issue: z.core.$ZodIssue, { schema, node, path }: Section<z.ZodType>, report: FaultReport): void {
  const below = issue.path.filter((step) => typeof step !== 'symbol');
  const missing = issue.code === 'custom' ? undefined : missingKey(node, below);
  if (missing === undefined) {
    report.fault(nodeAt(node, below).at, [...path, ...below], describeIssue(issue, schema, node));
  } else {
    // An empty value stands at its key; what is not there at all is missed by the map around it.
    report.fault(nodeAt(node, below).at, [...path, ...below], `Required key "${missing}" is missing`);
  }
}
