import { expect, inject } from 'vitest';
import { runByName } from '../../../faults/cloud/run-cloud-faults.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { PacedClock } from './paced-clock.ts';

/** Mostly the machine's other work: a fault takes some seconds on a free one. */
export const FAULT_MS = 300_000;

/**
 * Lets the cloud of one provider fail so, and expects: the other provider serves its jobs, no pass takes 10 s, the reason is
 * shown, and after the fault and two cleanups the pool is full and nothing is left over.
 */
export async function expectKept(fault: string): Promise<void> {
  const postgresHost = inject('postgresHost');
  await using clock = await PacedClock.start(postgresHost);
  const { broken, facts } = await runByName(fault, { postgresHost, clock, leastMs: 0 }, neverAborted);
  expect(broken, facts).toEqual([]);
}
