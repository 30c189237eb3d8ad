import { isIPv6 } from 'node:net';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { Node } from '../node/node.ts';
import { formatAge } from './format-age.ts';
import { type Cell, renderTable } from './render-table.ts';

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
const DETAIL_HEADER = [...HEADER, 'Private IPv4', 'Public IPv6', 'Image', 'Step', 'Attempt', 'Subnodes'];

/** The table of `nodepool list` (upstream's columns). */
export function renderNodes(nodes: readonly Node[], now: Date): string {
  return renderTable(
    HEADER,
    nodes.map((node) => cellsOf(node, now)),
  );
}

/** The table of `nodepool list --detail`: the same columns, and more behind them. */
export function renderNodeDetails(nodes: readonly Node[], images: readonly SnapshotImage[], now: Date): string {
  const byId = new Map(images.map((image) => [image.id, image]));
  const rows = nodes.map((node) => [
    ...cellsOf(node, now),
    node.privateIp,
    node.ip !== undefined && isIPv6(node.ip) ? node.ip : undefined,
    imageOf(node, byId),
    node.step,
    node.attempt,
    0, // no node has any yet
  ]);
  return renderTable(DETAIL_HEADER, rows);
}

function cellsOf(node: Node, now: Date): readonly Cell[] {
  return [
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
  ];
}

/** `trusty (7)`: which build of which image; the id alone where that row is gone. */
function imageOf({ imageId }: Node, images: ReadonlyMap<number, SnapshotImage>): string | undefined {
  if (imageId === undefined) return undefined;
  const image = images.get(imageId);
  return image === undefined ? `(${imageId})` : `${image.image} (${imageId})`;
}
