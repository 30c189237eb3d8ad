// Writes the diagrams of the pages: layers from the imports, lifecycles from their tables.
import { readFile, writeFile } from 'node:fs/promises';
import { architectureSections, imagePageSections } from './architecture/architecture-sections.ts';
import { replaceSections, type Sections } from './architecture/generated-sections.ts';
import { readRoomGraph } from './architecture/room-graph.ts';

await update('docs/architecture.md', architectureSections(await readRoomGraph()));
await update('docs/operator/images.md', imagePageSections());

async function update(path: string, sections: Sections): Promise<void> {
  await writeFile(path, replaceSections(await readFile(path, 'utf8'), sections));
}
