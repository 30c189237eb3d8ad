import type { KeyPath } from '../config-fault.ts';
import type { FaultReport } from '../fault-report.ts';
import { resolveNumber } from '../yaml/resolve-scalar.ts';
import type { YamlScalar } from '../yaml/yaml-node.ts';
import { describeNode } from './describe-issue.ts';
import type { SchemaView } from './schema-shape.ts';

type Scalar = { readonly node: YamlScalar; readonly path: KeyPath; readonly view: SchemaView };

/** The scalar as its key wants it: numbers out of quotes, 0 and 1 as booleans, numbers as text; with a warning each. */
export function conformScalar(scalar: Scalar, report: FaultReport): unknown {
  const { kind } = scalar.view.shape;
  if (kind === 'text') return asText(scalar, report);
  if (kind === 'number') return asNumber(scalar, report);
  return kind === 'flag' ? asFlag(scalar, report) : scalar.node.value;
}

function asText({ node, path, view }: Scalar, report: FaultReport): unknown {
  if (node.type === 'text') return node.value;
  if (view.notes.spelled === true) {
    if (node.type === 'nothing') report.warn(node.at, path, 'The value is empty: it is read as an empty text');
    return node.source;
  }
  if (node.type === 'flag' || node.type === 'nothing') return node.value;
  const found = describeNode(node, view.notes.secret === true);
  report.warn(node.at, path, `Expected a text, found ${found}: it is read as text, put it into quotes`);
  return node.source;
}

function asNumber({ node, path, view }: Scalar, report: FaultReport): unknown {
  if (node.type !== 'text') return node.value;
  const number = resolveNumber(node.source.trim())?.value;
  if (typeof number !== 'number' || view.notes.spelled === true) return number ?? node.value;
  report.warn(
    node.at,
    path,
    `Expected a number, found ${describeNode(node)}: it is read as ${number}, remove the quotes`,
  );
  return number;
}

function asFlag({ node, path, view }: Scalar, report: FaultReport): unknown {
  if (view.notes.spelled === true && /^(?:true|false)$/i.test(node.source)) return node.source.toLowerCase() === 'true';
  if (node.type !== 'whole' || (node.value !== 0 && node.value !== 1)) return node.value;
  const flag = node.value === 1;
  report.warn(node.at, path, `Expected true or false, found ${describeNode(node)}: it is read as ${flag}`);
  return flag;
}
