import PQueue from 'p-queue';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import { startPrivatePostgres } from '../../test/private-postgres.ts';
import { CLOUD_FAULTS } from './cloud-fault.ts';
import { type CloudFaultReport, type CloudFaultSetting, runCloudFault } from './run-cloud-fault.ts';
import { runQuotaFault } from './run-quota-fault.ts';

/** Each has a farm of its own, which mostly waits. */
const AT_ONCE = 4;

export const ALL_CLOUD_FAULTS: readonly string[] = [...CLOUD_FAULTS.map(({ name }) => name), 'quota'];

/** Runs faults of clouds by the system's clock, some side by side, and tells of each when it is over; gives how much was broken. */
export async function runCloudFaults(
  order: { readonly names: readonly string[]; readonly ms: number },
  tell: (name: string, report: CloudFaultReport) => void,
  signal: AbortSignal,
): Promise<number> {
  const setting = { postgresHost: await startPrivatePostgres(), clock: systemClock, leastMs: order.ms };
  let broken = 0;
  const runs = order.names.map((name) => async () => {
    if (signal.aborted) return;
    const report = await runByName(name, setting, signal).catch((error: unknown) => ({
      broken: [describeError(error)],
      facts: 'it was not carried through',
    }));
    broken += report.broken.length;
    tell(name, report);
  });
  await new PQueue({ concurrency: AT_ONCE }).addAll(runs);
  signal.throwIfAborted();
  return broken;
}

/** @throws {Error} there is no such fault */
export async function runByName(
  name: string,
  setting: CloudFaultSetting,
  signal: AbortSignal,
): Promise<CloudFaultReport> {
  if (name === 'quota') return await runQuotaFault(setting, signal);
  const fault = CLOUD_FAULTS.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`There is no cloud's fault "${name}"`);
  return await runCloudFault(fault, setting, signal);
}
