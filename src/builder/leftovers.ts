import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describeError } from '../runtime/errors.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { isOwnedByLiving } from './scratch-owner.ts';

/** The folder of one try of one build, below `images-dir` and below the place of its temporary files. */
const SCRATCH = /^[.]build-\d+-[0-9a-f]{8}$/;

const COMMAND_LIMIT_MS = 60_000;
const REMOVE_TRIES = 5;
const REMOVE_AGAIN_MS = 500;

export type LeftoverDeps = { readonly clock: Clock; readonly log: Logger };

/** The name for a try of a build; `unique` has eight hex digits. */
export function scratchName(dibImageId: number, unique: string): string {
  return `.build-${dibImageId}-${unique}`;
}

/** Removes what builds of processes that are dead have left in these folders. Never throws: what cannot be removed is logged. */
export async function sweepLeftovers(folders: readonly string[], deps: LeftoverDeps): Promise<void> {
  for (const folder of new Set(folders)) {
    const names = await readdir(folder).catch(() => []); // it is not there: nothing is left in it
    for (const name of names.filter((each) => SCRATCH.test(each))) {
      const path = join(folder, name);
      if (await isOwnedByLiving(path)) continue;
      deps.log.info(`Removing what a build left that did not end: ${path}`);
      await removeScratch(path, deps);
    }
  }
}

/**
 * Removes the folder of a build with all that depends on it: processes, mounts, loop devices. These are in no namespace, so
 * that they outlive a build that was killed. Never throws: what cannot be removed is logged, and the next start tries again.
 */
export async function removeScratch(path: string, deps: LeftoverDeps): Promise<void> {
  try {
    await endProcesses(basename(path));
    for (const mount of await mountsBelow(path)) await asRoot(deps, 'umount', '--lazy', mount);
    for (const device of await loopDevicesOf(basename(path))) await detach(device, deps);
    await removeFolder(path, deps);
  } catch (error) {
    deps.log.warn(`Cannot remove "${path}", which a build left: ${describeError(error)}`);
  }
}

/** Whoever was started for the build bears its folder in the environment. Those of other accounts cannot be seen. */
async function endProcesses(name: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''); // it ended, or is another's
    if (Number(pid) !== process.pid && environment.includes(`/${name}`)) end(Number(pid));
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

/** The deepest first. */
async function mountsBelow(path: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => unescaped(line.split(' ')[4] ?? ''));
  return points.filter((point) => point.startsWith(`${path}/`)).sort((a, b) => b.length - a.length);
}

function unescaped(point: string): string {
  return point.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}

/**
 * By the folder's own name: of a device that was made in another namespace the kernel tells a path that may lack its
 * beginning.
 */
async function loopDevicesOf(name: string): Promise<readonly string[]> {
  const devices = (await readdir('/sys/block').catch(() => [])).filter((each) => each.startsWith('loop'));
  const backed = await Promise.all(
    devices.map(async (device) => {
      const file = await readFile(`/sys/block/${device}/loop/backing_file`, 'utf8').catch(() => ''); // it is free
      return file.includes(`/${name}/`) ? [device] : [];
    }),
  );
  return backed.flat();
}

async function detach(device: string, deps: LeftoverDeps): Promise<void> {
  const holders = await readdir(`/sys/block/${device}/holders`).catch(() => []);
  if (holders.length > 0) await asRoot(deps, 'kpartx', '-d', `/dev/${device}`);
  await asRoot(deps, 'losetup', '--detach', `/dev/${device}`);
}

/** A build that was killed a moment ago may still hold something. Never beyond a mount: that may be the host's /dev. */
async function removeFolder(path: string, deps: LeftoverDeps): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await asRoot(deps, 'rm', '--recursive', '--force', '--one-file-system', '--', path);
      if (!(await readdir(dirname(path))).includes(basename(path))) return;
      throw new Error('it is still there');
    } catch (error) {
      if (attempt === REMOVE_TRIES) throw error;
      await deps.clock.sleep(REMOVE_AGAIN_MS);
    }
  }
}

/** What diskimage-builder made by sudo is root's: where we are not root, what we cannot do is tried by sudo. */
async function asRoot(deps: LeftoverDeps, program: string, ...args: readonly string[]): Promise<void> {
  try {
    await run(program, args, deps);
  } catch (error) {
    if (process.getuid?.() === 0) throw error;
    await run('sudo', ['-n', program, ...args], deps);
  }
}

async function run(program: string, args: readonly string[], deps: LeftoverDeps): Promise<void> {
  const deadline = { what: `${program} to end`, ms: COMMAND_LIMIT_MS };
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' };
  await withDeadline(deadline, deps, (signal) => promisify(execFile)(program, args, { env, signal }));
}
