import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { crashPoint } from '../runtime/crash-point.ts';
import { type BuildFiles, findFiles } from './image-files.ts';

/** Checksums that diskimage-builder writes beside most files. */
const CHECKSUMS = ['md5', 'sha256'] as const;

/** diskimage-builder has a name of its own for one format. */
export async function correctNames(output: string): Promise<void> {
  await rename(`${output}.squash`, `${output}.squashfs`).catch(() => undefined); // mostly there is none
}

/**
 * Gives the files of a build their names once they are on the disk: whoever sees one may use it.
 * @throws the system's error, or the signal's reason as long as none has its name
 */
export async function publishFiles(made: BuildFiles, filename: string, signal: AbortSignal): Promise<BuildFiles> {
  for (const { path } of made.values()) await syncFile(path);
  signal.throwIfAborted(); // nobody waits for them any more
  for (const [format, { path }] of made) {
    const target = `${filename}.${format}`;
    for (const kind of CHECKSUMS) {
      const sum = await readSum(`${path}.${kind}`);
      if (sum !== undefined) await writeFile(`${target}.${kind}`, `${sum}  ${basename(target)}\n`);
    }
    await rename(path, target);
    crashPoint('dib-half-published');
  }
  return await findFiles(filename, [...made.keys()]);
}

/** By format, then by kind; of some formats there are none. */
export async function readChecksums(
  filename: string,
  formats: readonly string[],
): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const all = await Promise.all(
    formats.map(async (format) => {
      const sums = await Promise.all(
        CHECKSUMS.map(async (kind) => [kind, await readSum(`${filename}.${format}.${kind}`)] as const),
      );
      return [
        format,
        Object.fromEntries(sums.filter((sum): sum is [(typeof sum)[0], string] => sum[1] !== undefined)),
      ] as const;
    }),
  );
  return Object.fromEntries(all.filter(([, sums]) => Object.keys(sums).length > 0));
}

async function readSum(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => ''); // there is none
  return /^[0-9a-f]{32,128}\b/.exec(text)?.[0];
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
