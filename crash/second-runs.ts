import type { Evidence, Outage, Part, Run } from './evidence.ts';

/** A run on a node that had run a job before. */
export type SecondRun = {
  readonly run: Run;
  /** Nobody promised that it would not come: see docs/reliability.md. */
  readonly isForeseen: boolean;
};

/**
 * From the beginning of a job until Jenkins has obeyed and gives its node no other: some 100 ms, on two busy cores. The
 * jobs of the churn that do not ask for that themselves last longer.
 */
export const CLOSING_MS = 1_000;
/** From when a part works again until Nodepool has found it, has looked at all agents, and Jenkins has obeyed. */
const LOOK_ROUND_MS = 2_500;
/** What Nodepool must reach to hear of a job and to take its node offline. */
const NEEDED: ReadonlySet<Part> = new Set(['daemon', 'postgres', 'jenkins']);

/** The runs on nodes that had run a job before. */
export function findSecondRuns({ runs, attempts, outages }: Evidence): readonly SecondRun[] {
  const asking = new Set(attempts.filter(({ asksOffline }) => asksOffline).map(({ id }) => id));
  const facts = { outages, deaf: deafTimes(outages) };
  const byServer = new Map<string, Run[]>();
  for (const run of [...runs].sort((a, b) => a.beganMs - b.beganMs)) {
    byServer.set(run.server, [...(byServer.get(run.server) ?? []), run]);
  }
  return [...byServer.values()].flatMap((ofOne) =>
    ofOne.slice(1).map((run, index) => {
      const earlier = ofOne.slice(0, index + 1);
      // A node is closed for good: none of the jobs before may have come to that.
      const isForeseen = earlier.every((each) => run.beganMs <= openUntilMs(each, asking.has(each.attempt), facts));
      return { run, isForeseen };
    }),
  );
}

/** How long after its work is done a build's result, its events and its flag still come. */
const ENDINGS_MS = 500;
/** How long after Jenkins started it a machine tells of its job. */
const BEGINNING_MS = 1_000;

/** The part's outages that began during the run: between its start in Jenkins and its last trace there. */
export function killsDuring(
  part: Part,
  { beganMs, closedMs = Infinity }: Run,
  outages: readonly Outage[],
): readonly Outage[] {
  return outages.filter(
    (each) => each.part === part && each.fromMs <= closedMs + ENDINGS_MS && each.fromMs + BEGINNING_MS >= beganMs,
  );
}

type Span = { readonly fromMs: number; readonly toMs: number };
type Facts = { readonly outages: readonly Outage[]; readonly deaf: readonly Span[] };

/** Until when the node may take another job after this one: never, for a while, or for ever where nothing tells of it. */
function openUntilMs(run: Run, asksOffline: boolean, { outages, deaf }: Facts): number {
  const span = deaf.find(({ fromMs, toMs }) => fromMs <= run.beganMs && run.beganMs <= toMs);
  if (!asksOffline) return span !== undefined && (run.endedMs ?? run.beganMs) <= span.toMs ? Infinity : -Infinity;
  const [kill] = killsDuring('jenkins', run, outages);
  if (kill === undefined) return -Infinity;
  // Its Jenkins forgot what it asked for. Nodepool knows that the node is used, if it heard of the beginning.
  if (span !== undefined) return Infinity;
  return deaf.find(({ fromMs, toMs }) => fromMs <= kill.fromMs && kill.fromMs <= toMs)?.toMs ?? -Infinity;
}

/** The times in which a job may begin and end without that Nodepool can do anything about it. */
function deafTimes(outages: readonly Outage[]): readonly Span[] {
  const spans: Span[] = [];
  const needed = outages.filter(({ part }) => NEEDED.has(part)).sort((a, b) => a.fromMs - b.fromMs);
  for (const { fromMs, toMs } of needed) {
    const span = { fromMs: fromMs - CLOSING_MS, toMs: toMs + LOOK_ROUND_MS };
    const last = spans.at(-1);
    if (last === undefined || last.toMs < span.fromMs) spans.push(span);
    else spans.splice(-1, 1, { fromMs: last.fromMs, toMs: Math.max(last.toMs, span.toMs) });
  }
  return spans;
}
