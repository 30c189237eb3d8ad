/**
 * Builder: runs diskimage-builder, keeps its files and uploads them. It knows no database and decides nothing: daemons ask
 * for each step.
 */
import type { Config, DiskImageConfig } from '../config/config.ts';
import type { BuilderWork } from '../image/builder-jobs.ts';
import { describeError } from '../runtime/errors.ts';
import { makeFolders } from '../runtime/make-folders.ts';
import { canBox } from './boxed-program.ts';
import { buildDiskImage } from './build-disk-image.ts';
import { wantedTempDir } from './dib-command.ts';
import type { DiskImageBuildDeps } from './disk-image-build.ts';
import { listBuilds, removeFiles } from './image-files.ts';
import { sweepLeftovers } from './leftovers.ts';
import { uploadDiskImage, type UploadDeps } from './upload-disk-image.ts';

export type BuilderDeps = DiskImageBuildDeps & Omit<UploadDeps, 'config'> & { readonly config: () => Config };

/**
 * Makes the place ready: removes what builds of dead processes left, and gives the builds whose files are here.
 * @throws {Error} the folder of the images cannot be made or read
 */
export async function prepareBuilder({ config, imagesDir, ...deps }: BuilderDeps): Promise<readonly number[]> {
  const log = deps.log.child('builder');
  if (!canBox()) log.warn('The builder does not run as root: a build that is killed may leave mounts and processes');
  try {
    makeFolders(imagesDir);
    const temporary = config().diskimages.map((diskimage) => wantedTempDir(diskimage, deps.environment) ?? imagesDir);
    await sweepLeftovers([imagesDir, ...temporary], { ...deps, log });
    return await listBuilds(imagesDir);
  } catch (error) {
    throw new Error(`Cannot use images-dir "${imagesDir}": ${describeError(error)}`, { cause: error });
  }
}

/** The work of a builder whose files are in `imagesDir`. Each part may be repeated. */
export function builderWork(deps: BuilderDeps): BuilderWork {
  return {
    build: async ({ diskimage: name, dibImageId }, signal) => {
      const config = deps.config();
      const diskimage = findDiskImage(name, config);
      return await buildDiskImage({ dibImageId, diskimage, config, imagesDir: deps.imagesDir }, deps, signal);
    },
    upload: (work, signal) => uploadDiskImage(work, deps, signal),
    remove: async (dibImageId) => {
      await removeFiles(deps.imagesDir, dibImageId);
      deps.log.child('builder').info(`Files of disk image ${dibImageId} are removed`);
    },
  };
}

function findDiskImage(name: string, { diskimages }: Config): DiskImageConfig {
  const diskimage = diskimages.find((each) => each.name === name);
  if (diskimage === undefined) throw new Error(`Cannot build unknown disk image "${name}"`);
  return diskimage;
}
