// Runs a TypeScript program without a build, on Node 20 too: `node scripts/run-ts.js scripts/NAME.ts ARGUMENT…`.
import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [, , script] = process.argv;
if (script === undefined) {
  process.stderr.write('Usage: node scripts/run-ts.js SCRIPT.ts [ARGUMENT…]\n');
  process.exit(2);
}

const { outputFiles } = await build({
  entryPoints: [script],
  absWorkingDir: process.cwd(),
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  sourcesContent: false,
  keepNames: true,
});
const bundle = outputFiles[0].contents;
// Below node_modules/, so that the bundle finds the packages. Named by its content: runs at the same time do not meet.
const folder = join(import.meta.dirname, '..', 'node_modules', '.cache', 'run-ts');
const name = `${basename(script, '.ts')}-${createHash('sha256').update(bundle).digest('hex').slice(0, 16)}`;
await mkdir(folder, { recursive: true });
await writeFile(join(folder, `${name}.${process.pid}`), bundle);
await rename(join(folder, `${name}.${process.pid}`), join(folder, `${name}.mjs`));

process.argv.splice(1, 2, script); // the program sees its own name and arguments
await import(pathToFileURL(join(folder, `${name}.mjs`)).href);
