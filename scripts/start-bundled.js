// What `dist/nodepool.js` is: it starts the bundled command line, whose name the build fills in.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadProgram } from './bundled-program.js';

/* global BUNDLE -- a path, relative to this file */
const program = join(dirname(fileURLToPath(import.meta.url)), BUNDLE);
if (process.argv.includes('--debug')) {
  // Only then a stack is printed. To read the source map takes as long as half of a short command.
  process.setSourceMapsEnabled(true);
  createRequire(import.meta.url)(program);
} else {
  loadProgram(program).run();
}
