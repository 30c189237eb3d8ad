import PQueue from 'p-queue';
import type { JobEvent } from '../node/job-event.ts';
import { applyJobEvent, type JobEventDeps } from '../pool/job-events.ts';
import { DatabaseUnavailableError, isAbort } from '../runtime/errors.ts';
import type { SharedComplaints } from '../runtime/shared-complaints.ts';

/** As many as the database has connections for. */
const CONCURRENCY = 8;
/** What events wait for is the database. */
const TROUBLE = 'events';
/** A Postgres that restarts is back by then. Longer, and reconciliation knows more than what was heard. */
const PATIENCE_MS = 20_000;
const AGAIN_MS = 200;

export type IntakeDeps = JobEventDeps & { readonly complaints: SharedComplaints };

/**
 * Applies a batch of events: those of one node in their order, different nodes side by side. While the database is away they
 * wait for it, for a while: a node whose job began must be closed before that job ends.
 */
export async function takeInJobEvents(
  events: readonly JobEvent[],
  deps: IntakeDeps,
  signal: AbortSignal,
): Promise<void> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const byNode = new Map<string, JobEvent[]>();
  const untilMs = deps.clock.monotonicMs() + PATIENCE_MS;
  for (const event of events) byNode.set(event.nodename, [...(byNode.get(event.nodename) ?? []), event]);
  await queue.addAll([...byNode.values()].map((ofOne) => () => takeInOrder(ofOne, { ...deps, untilMs }, signal)));
}

type BatchDeps = IntakeDeps & { readonly untilMs: number };

async function takeInOrder(events: readonly JobEvent[], deps: BatchDeps, signal: AbortSignal): Promise<void> {
  for (const event of events) {
    try {
      await applyInTime(event, deps, signal);
      deps.complaints.worked(TROUBLE);
    } catch (error) {
      if (isAbort(error, signal)) return;
      // Reconciliation sees in Jenkins what this event said.
      const { topic, nodename, job } = event;
      deps.complaints.failed(TROUBLE, `Event ${topic} of node ${nodename} could not be applied`, { job, error });
    }
  }
}

async function applyInTime(event: JobEvent, deps: BatchDeps, signal: AbortSignal): Promise<void> {
  const { clock, untilMs } = deps;
  for (;;) {
    try {
      await applyJobEvent(event, deps);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError) || clock.monotonicMs() >= untilMs) throw error;
      deps.log.debug(`Event ${event.topic} of node ${event.nodename} waits for the database`, { error });
      await clock.sleep(AGAIN_MS, signal);
    }
  }
}
