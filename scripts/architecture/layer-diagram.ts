import type { RoomGraph } from './room-graph.ts';

/** The layers from top to bottom, as `.dependency-cruiser.cjs` enforces them. */
const LAYERS: readonly { readonly title: string; readonly rooms: readonly string[] }[] = [
  { title: 'roots', rooms: ['src/nodepoold', 'src/nodepool', 'src/nodepool-builder'] },
  { title: 'assembly', rooms: ['src/assembly'] },
  { title: 'faces', rooms: ['src/cli', 'src/web'] },
  { title: 'workflows', rooms: ['src/pool', 'src/snapshot', 'src/dib', 'src/builder'] },
  {
    title: 'adapters',
    rooms: ['db', 'openstack', 'ssh', 'gearman', 'jenkins', 'events', 'metrics'].map((r) => `src/${r}`),
  },
  { title: 'domain', rooms: ['config', 'node', 'image', 'allocation', 'provider'].map((r) => `src/${r}`) },
  { title: 'runtime', rooms: ['src/runtime'] },
];
const FARM = 'devfarm';

/**
 * A Mermaid graph of Nodepool's rooms. Drawn once for a whole layer: arrows to `runtime`, which nearly every room has, and
 * those of `assembly`, which joins all rooms.
 */
export function nodepoolDiagram(graph: RoomGraph): string {
  const layers = LAYERS.map(({ title, rooms }) => ({
    title,
    rooms: rooms.filter((room) => graph.rooms.includes(room)),
  }));
  const boxes = layers
    .filter(({ rooms }) => rooms.length > 0)
    .flatMap(({ title, rooms }) => [
      `  subgraph ${title}_layer[${title}]`,
      ...rooms.map((room) => `    ${idOf(room)}[${nameOf(room)}]`),
      '  end',
    ]);
  const arrows = graph.imports.filter(
    ([from, to]) => isOurs(from) && to !== 'src/runtime' && from !== 'src/assembly' && isOurs(to),
  );
  const summary = [
    '  assembly_layer ==> faces_layer & workflows_layer & adapters_layer',
    '  domain_layer ==> runtime_layer',
  ];
  return mermaid(['flowchart TD', ...boxes, ...summary, ...arrows.map(arrow)]);
}

/** A Mermaid graph of devfarm's rooms, and of what it shares with Nodepool. */
export function farmDiagram(graph: RoomGraph): string {
  const arrows = graph.imports.filter(([from]) => !isOurs(from));
  const rooms = [...new Set(arrows.flat())].sort();
  return mermaid(['flowchart TD', ...rooms.map((room) => `  ${idOf(room)}[${labelOf(room)}]`), ...arrows.map(arrow)]);
}

/** @throws {Error} a room stands in no layer: the table above is out of date */
export function requireKnownRooms(graph: RoomGraph): void {
  const known = new Set(LAYERS.flatMap(({ rooms }) => rooms));
  const unknown = graph.rooms.filter((room) => isOurs(room) && !known.has(room));
  if (unknown.length > 0) throw new Error(`These rooms are in no layer: ${unknown.join(', ')}`);
}

function isOurs(room: string): boolean {
  return !room.startsWith(`${FARM}/`);
}

function arrow([from, to]: readonly [string, string]): string {
  return `  ${idOf(from)} --> ${idOf(to)}`;
}

/** Mermaid's ids hold no slash, and `end` and the like are words of its own. */
function idOf(room: string): string {
  return `${room.startsWith(FARM) ? 'farm' : 'room'}_${nameOf(room).replaceAll('-', '_')}`;
}

function nameOf(room: string): string {
  return room.replace(/^.*\//, '');
}

function labelOf(room: string): string {
  if (room === `${FARM}/${FARM}`) return 'devfarm';
  return isOurs(room) ? `src/${nameOf(room)}` : nameOf(room);
}

function mermaid(lines: readonly string[]): string {
  return ['```mermaid', ...lines, '```'].join('\n');
}
