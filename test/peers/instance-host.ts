import { readFile, statfs } from 'node:fs/promises';
import { InstanceHost, type InstanceHostOptions } from '../../devfarm/instances/instance-host.ts';
import { claimFolder, FolderInUseError } from '../../devfarm/instances/owner-claim.ts';
import { findWildcardListener } from '../../devfarm/instances/port-listeners.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

/** The image every test host has. */
export const BASE_IMAGE = 'base';

/**
 * Time for a hook that opens a host: it takes half a second where the root file system is in the cache, and a minute
 * the first time on a machine.
 */
export const OPEN_HOST_MS = 180_000;

/**
 * An InstanceHost with the image `base`, in a folder and a loopback network that no other test has at this moment,
 * also not one of another run on this machine. What a killed run left there is ended first. End it with `destroyAll`.
 */
export async function openInstanceHost(options: Partial<InstanceHostOptions> = {}): Promise<InstanceHost> {
  const log = new RecordingLogger();
  const port = await freePort();
  for (let slot = 1; slot <= 100; slot += 1) {
    const place = { stateDir: await slotFolder(slot), network: `127.${100 + slot}` };
    if (!(await takeSlot(`${place.stateDir}.slot`))) continue;
    const host = await InstanceHost.open(
      { ...place, ...(port === undefined ? {} : { port }), ...options },
      { log },
    ).catch(unlessInUse);
    if (host === undefined) continue;
    for (const { id } of host.list()) await host.delete(id);
    for (const { name } of host.listImages()) await host.deleteImage(name);
    await host.buildRootfs(BASE_IMAGE);
    return host;
  }
  throw new Error('Cannot open a host for tests: a hundred are open already');
}

/** Opens the folder of a host that was closed, or whose process was killed, and adopts what runs there. */
export async function reopenInstanceHost(
  earlier: Pick<InstanceHost, 'stateDir' | 'port' | 'network'>,
): Promise<InstanceHost> {
  const { stateDir, port, network } = earlier;
  return await InstanceHost.open({ stateDir, port, network }, { log: new RecordingLogger() });
}

/** Takes a slot until this process ends: a test closes its host, or has it killed, and opens it again. False: it has an owner. */
async function takeSlot(slot: string): Promise<boolean> {
  return (await claimFolder(slot).catch(unlessInUse)) !== undefined;
}

const GIB = 2 ** 30;

/**
 * In memory where there is room: on ext4, thousands of files made just after thousands were deleted take seconds
 * (the kernel avoids inodes that were deleted lately). Not in /tmp, which may be a container's overlay.
 */
async function slotFolder(slot: number): Promise<string> {
  const mounts = await readFile('/proc/mounts', 'utf8');
  const options = /^\S+ \/dev\/shm tmpfs (\S+)/m.exec(mounts)?.[1]?.split(',') ?? ['noexec'];
  const { bavail, bsize } = await statfs('/dev/shm').catch(() => ({ bavail: 0, bsize: 0 })); // there is none
  const inMemory = !options.includes('noexec') && !options.includes('nosuid') && bavail * bsize > 2 * GIB;
  return `${inMemory ? '/dev/shm' : '/var/tmp'}/nodepool-test-${process.getuid?.() ?? 0}-${slot}`;
}

function unlessInUse(error: unknown): undefined {
  if (error instanceof FolderInUseError) return undefined;
  throw error;
}

/** On a machine with an sshd of its own at every address, instances cannot have port 22. Undefined: the mode's own. */
async function freePort(): Promise<number | undefined> {
  return (await findWildcardListener(22)) === undefined ? undefined : 10_022;
}
