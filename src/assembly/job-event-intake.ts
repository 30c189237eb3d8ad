import PQueue from 'p-queue';
import type { JobEvent } from '../node/job-event.ts';
import { applyJobEvent, type JobEventDeps } from '../pool/job-events.ts';
import { isAbort } from '../runtime/errors.ts';

/** As many as the database has connections for. */
const CONCURRENCY = 8;

/** Applies a batch of events: those of one node in their order, different nodes side by side. */
export async function takeInJobEvents(
  events: readonly JobEvent[],
  deps: JobEventDeps,
  signal: AbortSignal,
): Promise<void> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const byNode = new Map<string, JobEvent[]>();
  for (const event of events) byNode.set(event.nodename, [...(byNode.get(event.nodename) ?? []), event]);
  await queue.addAll([...byNode.values()].map((ofOne) => () => takeInOrder(ofOne, deps, signal)));
}

async function takeInOrder(events: readonly JobEvent[], deps: JobEventDeps, signal: AbortSignal): Promise<void> {
  for (const event of events) {
    await applyJobEvent(event, deps).catch((error: unknown) => {
      if (isAbort(error, signal)) return;
      // Reconciliation sees in Jenkins what this event said.
      deps.log.error(`Event ${event.topic} of node ${event.nodename} could not be applied`, { job: event.job, error });
    });
  }
}
