// Writes the diagrams of docs/architecture.md: layers from the imports, lifecycles from their tables.
import { readFile, writeFile } from 'node:fs/promises';
import { architectureSections } from './architecture/architecture-sections.ts';
import { replaceSections } from './architecture/generated-sections.ts';
import { readRoomGraph } from './architecture/room-graph.ts';

const PAGE = 'docs/architecture.md';

const page = await readFile(PAGE, 'utf8');
await writeFile(PAGE, replaceSections(page, architectureSections(await readRoomGraph())));
