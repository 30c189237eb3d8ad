import { IMAGE_LIFECYCLE } from '../../src/image/lifecycle.ts';
import { NODE_LIFECYCLE } from '../../src/node/lifecycle.ts';
import type { Sections } from './generated-sections.ts';
import { farmDiagram, nodepoolDiagram, requireKnownRooms } from './layer-diagram.ts';
import { lifecycleDiagram } from './lifecycle-diagram.ts';
import type { RoomGraph } from './room-graph.ts';

const IMAGE = { 'image lifecycle': lifecycleDiagram(IMAGE_LIFECYCLE, 'building') };

/** What `npm run layer-graph` writes into docs/architecture.md. */
export function architectureSections(graph: RoomGraph): Sections {
  requireKnownRooms(graph);
  return {
    layers: nodepoolDiagram(graph),
    devfarm: farmDiagram(graph),
    'node lifecycle': lifecycleDiagram(NODE_LIFECYCLE, 'building'),
    ...IMAGE,
  };
}

/** What it writes into docs/operator/images.md. */
export function imagePageSections(): Sections {
  return IMAGE;
}
