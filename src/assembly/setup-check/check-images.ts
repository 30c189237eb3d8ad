import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LEAST_FREE_BYTES } from '../../builder/build-disk-image.ts';
import { programFolders } from '../../builder/dib-command.ts';
import { findProgram } from '../../builder/find-program.ts';
import type { Config } from '../../config/config.ts';
import { BUILD_PREFIX } from '../../gearman/builder-functions.ts';
import { GearmanAdmin } from '../../gearman/gearman-admin.ts';
import { wantedDiskImages } from '../../image/dib-rules.ts';
import { builderFault } from '../run-builder.ts';
import type { LookDeps } from './check-files.ts';
import { type Finding, inspect } from './finding.ts';

export type ImageCheck = {
  readonly config: Config;
  /** Whether the daemon would run an image builder of its own, if the configuration allows one. */
  readonly builder: boolean;
  /** Of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** Looks at what builds of images need besides the clouds: who builds disk images, with what, and where logs and failures go. */
export function checkImages(check: ImageCheck, deps: LookDeps): readonly Promise<Finding>[] {
  const { buildLogDir, imageFailureHook, diskimages } = check.config;
  return [
    ...(diskimages.length === 0 ? [] : checkBuilder(check, deps)),
    ...(buildLogDir === undefined ? [] : [checkLogs(buildLogDir, deps)]),
    ...(imageFailureHook === undefined ? [] : [checkHook(imageFailureHook, deps)]),
  ];
}

function checkBuilder(check: ImageCheck, deps: LookDeps): readonly Promise<Finding>[] {
  const { imagesDir } = check.config;
  const isOwn = check.builder && builderFault(check.config) === undefined && imagesDir !== undefined;
  if (!isOwn) return [checkOffers(check, deps)];
  return [checkImagesDir(imagesDir, deps), checkDib(check, deps)];
}

/** Whether the builders that run offer all disk images that labels use. */
async function checkOffers({ config, builder }: ImageCheck, deps: LookDeps): Promise<Finding> {
  const own = builder ? ', or set "images-dir" for one in the daemon' : '';
  const advice = `start nodepool-builder with this configuration${own}`;
  return await inspect({ what: 'image builder', advice }, deps, async (signal) => {
    const names = wantedDiskImages(config).map(({ diskimage }) => diskimage.name);
    const offered = await readOffers(config, deps, signal);
    const missing = names.filter((name) => !offered.has(name));
    if (missing.length > 0) throw new Error(`No builder offers ${missing.join(', ')}`);
    return `builders offer all ${names.length} disk images that labels use`;
  });
}

async function readOffers(config: Config, { clock }: LookDeps, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const answers = config.gearmanServers.map(async (server) => {
    const admin = new GearmanAdmin(server, { clock });
    try {
      return (await admin.status(signal)).rows;
    } finally {
      admin.close();
    }
  });
  const told = (await Promise.allSettled(answers)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (told.length === 0) throw new Error('No Gearman server says what builders offer');
  const functions = told.flat().filter(({ name, workers }) => workers > 0 && name.startsWith(BUILD_PREFIX));
  return new Set(functions.map(({ name }) => name.slice(BUILD_PREFIX.length)));
}

async function checkImagesDir(imagesDir: string, deps: LookDeps): Promise<Finding> {
  const advice = 'look at "images-dir", and at its owner';
  return await inspect({ what: `images-dir ${imagesDir}`, advice }, deps, async () => {
    const { freeBytes, note } = await lookAtFolder(imagesDir);
    const free = `${(freeBytes / 2 ** 30).toFixed(1)} GiB free`;
    if (freeBytes < LEAST_FREE_BYTES) throw new Error(`There is no room for a build: ${free}`);
    return `${free}, for the daemon's own builder${note}`;
  });
}

async function checkDib({ environment }: ImageCheck, deps: LookDeps): Promise<Finding> {
  const advice =
    'install diskimage-builder ("./scripts/setup --builder"), or build elsewhere: "--no-builder" and nodepool-builder';
  return await inspect({ what: 'disk-image-create', advice }, deps, async () => {
    const path = await findProgram('disk-image-create', programFolders(environment));
    if (path === undefined) throw new Error('It is not installed here, and the daemon would build disk images itself');
    return path;
  });
}

async function checkLogs(dir: string, deps: LookDeps): Promise<Finding> {
  return await inspect(
    { what: `build-log-dir ${dir}`, advice: 'no image is built without its log' },
    deps,
    async () => {
      const { note } = await lookAtFolder(dir);
      return `logs can be written${note}`;
    },
  );
}

async function checkHook(path: string, deps: LookDeps): Promise<Finding> {
  const advice = 'look at "image-failure-hook"';
  return await inspect({ what: `image-failure-hook ${path}`, advice }, deps, async () => {
    const facts = await stat(path).catch((error: unknown) => {
      throw new Error('It is not there', { cause: error });
    });
    if (!facts.isFile()) throw new Error('It is no file');
    await access(path, constants.X_OK).catch((error: unknown) => {
      throw new Error('This account may not run it', { cause: error });
    });
    return 'it is there';
  });
}

/**
 * The folder, or what is there of the way to it: the daemon makes the rest.
 * @throws {Error} files cannot be made there
 */
async function lookAtFolder(path: string): Promise<{ readonly freeBytes: number; readonly note: string }> {
  const wanted = resolve(path);
  let there = wanted;
  while (there !== dirname(there) && !(await exists(there))) there = dirname(there);
  if (!(await stat(there)).isDirectory()) throw new Error(`"${there}" is no folder`);
  await access(there, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw new Error(`This account may not write to "${there}"`, { cause: error });
  });
  const { bavail, bsize } = await statfs(there);
  return { freeBytes: bavail * bsize, note: there === wanted ? '' : '; it will be made' };
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
