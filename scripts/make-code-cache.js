// Writes V8's code cache of a bundled program: `node scripts/make-code-cache.js BUNDLE ARGUMENT…`. The program runs with
// the arguments, and what it compiled meanwhile is kept, so they should take it through as much as possible.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { cachePathOf, loadProgram } from './bundled-program.js';

const path = resolve(process.argv[2]);
process.argv.splice(1, 1); // the program sees its own name and arguments
const { script, run } = loadProgram(path);
process.once('exit', () => {
  writeFileSync(cachePathOf(path), script.createCachedData());
});
run();
