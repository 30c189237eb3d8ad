import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { thawInstance } from './freeze-instance.ts';
import { UnfitMachineError } from './host-mode.ts';
import { findInstanceProcess } from './instance-process.ts';
import type { InstanceStore } from './instance-store.ts';
import { isClaimUnderWay } from './owner-claim.ts';
import { findInstanceElsewhere } from './own-network.ts';
import { listLaunchersBelow, sendSignal } from './process-table.ts';
import type { StateFolder } from './state-folder.ts';

const SETTLE_MS = 10_000;
const POLL_MS = 20;

/**
 * Makes order after a process that may have been killed at any moment: waits for boots it began, wakes what it
 * stopped, removes what it left half done. Nothing else may work in the folder.
 * @throws {UnfitMachineError} instances run in another network namespace, where we cannot reach them
 */
export async function adoptInstances(
  instances: InstanceStore,
  deps: { readonly folder: StateFolder; readonly log: Logger },
): Promise<void> {
  const { folder, log } = deps;
  endUnknown(instances);
  await Promise.all(
    instances.list().map(async ({ id }) => {
      await settle(instances.pathOf(id));
    }),
  );
  await requireSameNetwork(folder.path);
  for (const { id } of instances.list())
    if (await isFrozen(instances.pathOf(id))) await thawInstance(instances.pathOf(id));
  const left = await listLeftovers(folder);
  await folder.remove(...left);
  const known = instances.list().length;
  if (known + left.length > 0) log.info(`Adopted ${known} instances`, { removedLeftovers: left.length });
}

/** A boot that the dead process began may not have noted its init yet: wait until it has, or has failed. */
async function settle(instance: string): Promise<void> {
  const deadline = systemClock.monotonicMs() + SETTLE_MS;
  while (listLaunchersBelow(instance).length > 0 && (await findInstanceProcess(instance)) === undefined) {
    if (systemClock.monotonicMs() > deadline)
      for (const { pid } of listLaunchersBelow(instance)) sendSignal(pid, 'SIGKILL');
    await systemClock.sleep(POLL_MS);
  }
}

/** What runs for a folder that has no record any more. */
function endUnknown(instances: InstanceStore): void {
  for (const { pid, folder } of listLaunchersBelow(instances.pathOf(''))) {
    if (!instances.list().some(({ id }) => instances.pathOf(id) === folder)) sendSignal(pid, 'SIGKILL');
  }
}

async function requireSameNetwork(stateDir: string): Promise<void> {
  const pid = await findInstanceElsewhere(stateDir);
  if (pid === undefined) return;
  throw new UnfitMachineError(
    `Cannot reach the instances in "${stateDir}": they run in another network namespace; ` +
      `start this with "nsenter --target ${pid} --net"`,
  );
}

async function isFrozen(instance: string): Promise<boolean> {
  return await access(join(instance, 'frozen')).then(
    () => true,
    () => false,
  );
}

async function listLeftovers(folder: StateFolder): Promise<readonly string[]> {
  const found = [];
  for (const room of [folder.layers, folder.images, folder.instances, folder.path]) {
    const hidden = (await readdir(room)).filter((name) => name.startsWith('.'));
    for (const name of hidden) if (!(await isClaimUnderWay(name))) found.push(join(room, name));
  }
  return found;
}
