import { asError, isAbort } from '../../src/runtime/errors.ts';
import type { ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';

type PowerChange = {
  readonly taskState: string;
  readonly vmState: 'active' | 'stopped';
  /** How long it takes at least, in milliseconds. */
  readonly ms: number;
  readonly act: (serverId: string) => Promise<void>;
};

/** The ways to switch a machine, by the name of Nova's action. */
export function findPowerChange(
  action: string,
  body: { readonly type?: string },
  cloud: Cloud,
): PowerChange | undefined {
  const { backend } = cloud.deps;
  const { rebootMs, powerMs } = cloud.timings;
  const type = body.type === 'HARD' ? 'HARD' : 'SOFT';
  const changes: Readonly<Record<string, PowerChange>> = {
    reboot: {
      taskState: type === 'HARD' ? 'rebooting_hard' : 'rebooting',
      vmState: 'active',
      ms: rebootMs,
      act: (id) => backend.reboot(id, type),
    },
    'os-stop': { taskState: 'powering-off', vmState: 'stopped', ms: powerMs, act: (id) => backend.stop(id) },
    'os-start': { taskState: 'powering-on', vmState: 'active', ms: powerMs, act: (id) => backend.powerOn(id) },
  };
  return changes[action];
}

/** Carries out a change of power. The task state is set by whoever accepted it. */
export async function changePower(
  server: ServerRecord,
  deps: { readonly cloud: Cloud; readonly change: PowerChange },
  signal: AbortSignal,
): Promise<void> {
  const { cloud, change } = deps;
  try {
    await cloud.deps.clock.sleep(change.ms, signal);
    await change.act(server.id);
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    const fault = { message: asError(error).message, createdAt: cloud.nowMs };
    cloud.servers.change(server.id, { vmState: 'error', taskState: null, updatedAt: cloud.nowMs, fault });
    return;
  }
  cloud.servers.change(server.id, { vmState: change.vmState, taskState: null, updatedAt: cloud.nowMs });
}
