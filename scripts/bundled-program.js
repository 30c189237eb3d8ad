// Loads a program that esbuild bundled into one CommonJS file, with V8's code cache of it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

/** Ready to run. A cache that is missing, or of another Node or other V8 flags, is not used: it then starts slower. */
export function loadProgram(path) {
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'utf8')}\n})`;
  const script = new Script(source, { filename: path, cachedData: readCache(cachePathOf(path)) });
  const run = () => script.runInThisContext()({}, createRequire(path), { exports: {} }, path, dirname(path));
  return { script, run };
}

export function cachePathOf(path) {
  return path.replace(/[.]cjs$/, '.code-cache');
}

function readCache(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
