import type { Node } from '../node/node.ts';
import { formatAge } from './format-age.ts';
import { renderTable } from './render-table.ts';

const HEADER = [
  'ID',
  'Provider',
  'AZ',
  'Label',
  'Target',
  'Manager',
  'Hostname',
  'NodeName',
  'Server ID',
  'IP',
  'State',
  'Age',
  'Comment',
];

/** The table of `nodepool list` (upstream's columns). */
export function renderNodes(nodes: readonly Node[], now: Date): string {
  const rows = nodes.map((node) => [
    node.id,
    node.provider,
    node.az,
    node.label,
    node.target,
    node.manager,
    node.hostname,
    node.nodename,
    node.externalId,
    node.ip,
    node.state,
    formatAge(node.stateChangedAt, now),
    node.comment,
  ]);
  return renderTable(HEADER, rows);
}
