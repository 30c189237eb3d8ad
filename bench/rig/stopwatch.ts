import { systemClock } from '../../src/runtime/clock.ts';

export type Cost = {
  /** CPU time of this process, garbage collection included. */
  readonly cpuMs: number;
  readonly wallMs: number;
};

/** What `work` costs this process. */
export async function costOf(work: () => unknown): Promise<Cost> {
  const startedMs = systemClock.monotonicMs();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, wallMs: systemClock.monotonicMs() - startedMs };
}

/** What one of `times` runs costs on average, after some that warm the compiler up. */
export async function costOfEach(times: number, work: () => unknown): Promise<Cost> {
  for (let run = 0; run < Math.ceil(times / 2); run += 1) await work();
  const { cpuMs, wallMs } = await costOf(async () => {
    for (let run = 0; run < times; run += 1) await work();
  });
  return { cpuMs: cpuMs / times, wallMs: wallMs / times };
}

/** Milliseconds of a clock that all processes of this machine share. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
