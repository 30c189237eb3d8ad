import { statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BuildAnswer } from '../image/builder-jobs.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import { makeFolders } from '../runtime/make-folders.ts';
import type { DiskImageBuild, DiskImageBuildDeps, PlannedBuild } from './disk-image-build.ts';
import { neededFormats, wantedTempDir } from './dib-command.ts';
import { type BuildFiles, findFiles } from './image-files.ts';
import { correctNames, publishFiles, readChecksums } from './publish-files.ts';
import { runDib } from './run-dib.ts';
import { Scratch } from './scratch.ts';

/** With less room a build fails late, and may take the space from others. */
export const LEAST_FREE_BYTES = 2 ** 30;

/**
 * Runs diskimage-builder and gives what it made, once all files are there, whole and under their names. May be repeated: a
 * build whose files are here already is not made again. A build that fails or is aborted leaves nothing.
 * @throws {Error} it failed; the message ends with the last lines of its output
 * @throws {DeadlineExceededError} it took longer than `build-timeout`
 */
export async function buildDiskImage(
  build: DiskImageBuild,
  deps: DiskImageBuildDeps,
  signal: AbortSignal,
): Promise<BuildAnswer> {
  const { diskimage, config } = build;
  const formats = neededFormats(diskimage, config);
  const filename = join(build.imagesDir, String(build.dibImageId));
  const log = deps.log.child('builder');
  const earlier = await findFiles(filename, formats);
  if (earlier.size === formats.length) {
    log.info(`Disk image ${diskimage.name} ${build.dibImageId} is built already`);
    return await answerOf(filename, earlier, deps);
  }
  const startedMs = deps.clock.monotonicMs();
  log.info(`Building disk image ${diskimage.name} as ${filename}`, { formats: formats.join(',') });
  const files = await make({ ...build, formats, filename }, deps, signal);
  const ms = deps.clock.monotonicMs() - startedMs;
  const bytesOnDisk = new Map([...files].map(([format, file]) => [format, file.bytesOnDisk]));
  deps.metrics.diskImageBuilt({ diskimage: diskimage.name, ms, bytesOnDisk });
  log.info(`Disk image ${diskimage.name} ${build.dibImageId} is built`, { seconds: Math.round(ms / 1000) });
  return await answerOf(filename, files, deps);
}

async function make(build: PlannedBuild, deps: DiskImageBuildDeps, signal: AbortSignal): Promise<BuildFiles> {
  const tempDir = resolve(wantedTempDir(build.diskimage, deps.environment) ?? build.imagesDir);
  for (const folder of new Set([build.imagesDir, tempDir])) await requireRoom(folder, deps);
  await using scratch = await Scratch.make({ ...build, tempDir }, deps);
  crashPoint('dib-begun');
  const output = join(scratch.outputs, String(build.dibImageId));
  await runDib({ ...build, scratch, output }, deps, signal);
  await correctNames(output);
  const made = await findFiles(output, build.formats);
  const missing = build.formats.filter((format) => !made.has(format));
  if (missing.length > 0) {
    throw new Error(
      `disk-image-create ended with status 0 but made no ${missing.join(', ')} of ${build.diskimage.name}`,
    );
  }
  crashPoint('dib-files-made');
  const published = await publishFiles(made, build.filename, signal);
  crashPoint('dib-published');
  return published;
}

async function requireRoom(folder: string, { leastFreeBytes = LEAST_FREE_BYTES }: DiskImageBuildDeps): Promise<void> {
  makeFolders(folder);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= leastFreeBytes) return;
  const mib = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`;
  throw new Error(
    `No room for a build: "${folder}" has ${mib(bavail * bsize)} left, ${mib(leastFreeBytes)} are needed`,
  );
}

async function answerOf(filename: string, files: BuildFiles, { host }: DiskImageBuildDeps): Promise<BuildAnswer> {
  const formats = [...files.keys()];
  return { builder: host, filename, formats, checksums: await readChecksums(filename, formats) };
}
