import PQueue from 'p-queue';
import type { JobEvent } from '../node/job-event.ts';
import { applyJobEvent, type JobEventDeps } from '../pool/job-events.ts';
import { isAbort } from '../runtime/errors.ts';
import type { SharedComplaints } from '../runtime/shared-complaints.ts';

/** As many as the database has connections for. */
const CONCURRENCY = 8;
/** What events wait for is the database. */
const TROUBLE = 'events';

export type IntakeDeps = JobEventDeps & { readonly complaints: SharedComplaints };

/** Applies a batch of events: those of one node in their order, different nodes side by side. */
export async function takeInJobEvents(
  events: readonly JobEvent[],
  deps: IntakeDeps,
  signal: AbortSignal,
): Promise<void> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const byNode = new Map<string, JobEvent[]>();
  for (const event of events) byNode.set(event.nodename, [...(byNode.get(event.nodename) ?? []), event]);
  await queue.addAll([...byNode.values()].map((ofOne) => () => takeInOrder(ofOne, deps, signal)));
}

async function takeInOrder(events: readonly JobEvent[], deps: IntakeDeps, signal: AbortSignal): Promise<void> {
  for (const event of events) {
    try {
      await applyJobEvent(event, deps);
      deps.complaints.worked(TROUBLE);
    } catch (error) {
      if (isAbort(error, signal)) return;
      // Reconciliation sees in Jenkins what this event said.
      const { topic, nodename, job } = event;
      deps.complaints.failed(TROUBLE, `Event ${topic} of node ${nodename} could not be applied`, { job, error });
    }
  }
}
