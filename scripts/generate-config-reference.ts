// Writes docs/configuration.md from the schema of nodepool.yaml.
import { writeFile } from 'node:fs/promises';
import { renderConfigReference } from './config-reference.ts';

await writeFile('docs/configuration.md', renderConfigReference());
