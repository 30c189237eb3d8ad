import type { Attempt, Evidence, Part, Run } from './evidence.ts';

/** What the evidence says. */
export type Verdict = {
  /** One line for each promise that was not kept. */
  readonly broken: readonly string[];
  /** Nodes that ran a second job where nobody promised that they would not: see docs/reliability.md. */
  readonly reused: number;
};

/** After the end of a build its events, its flag and its result still come. */
const AFTERMATH_MS = 2_000;

/** Holds the evidence against the promises: each job that began ends with its own result, and no node runs two. */
export function judge(evidence: Evidence): Verdict {
  const second = secondRuns(evidence);
  return {
    broken: [
      ...evidence.unfinished.map((job) => `Job ${job} never ended`),
      ...evidence.attempts.flatMap((attempt) => faultOf(attempt, evidence) ?? []),
      ...evidence.runs.filter((run) => wasKilled(run, evidence)).map((run) => `${title(run)} was cut off`),
      ...second.filter(({ isForeseen }) => !isForeseen).map(({ run }) => `${title(run)}, which had run a job before`),
    ],
    reused: second.filter(({ isForeseen }) => isForeseen).length,
  };
}

function faultOf(attempt: Attempt, evidence: Evidence): string | undefined {
  const { id, outcome, result, expects } = attempt;
  if (outcome === 'completed') {
    return result === expects ? undefined : `Job ${id} ended with ${result ?? 'no result'} instead of ${expects}`;
  }
  const run = evidence.runs.find((each) => each.attempt === id);
  if (run === undefined) return undefined; // it never began: Zuul starts it again
  // Zuul's connection ends with gearmand, and builds end with Jenkins. Neither is ours to save.
  if (outcome === 'disconnected' && isHit(run, 'gearmand', evidence)) return undefined;
  if (isHit(run, 'jenkins', evidence)) return undefined;
  const detail = attempt.detail === undefined ? '' : `: ${attempt.detail}`;
  return `${title(run)} and Zuul heard "${outcome}"${detail}`;
}

function wasKilled(run: Run, evidence: Evidence): boolean {
  return run.endedMs === undefined && !isHit(run, 'jenkins', evidence);
}

function title({ attempt, server }: Run): string {
  return `Job ${attempt} ran on server ${server}`;
}

/** Whether the part was away at some time of the run, or right after it. */
function isHit({ beganMs, closedMs = Infinity }: Run, part: Part, { outages }: Evidence): boolean {
  return outages.some(
    (each) => each.part === part && each.fromMs <= closedMs + AFTERMATH_MS && each.toMs + AFTERMATH_MS >= beganMs,
  );
}

function secondRuns(evidence: Evidence): readonly { readonly run: Run; readonly isForeseen: boolean }[] {
  const byServer = new Map<string, Run[]>();
  for (const run of [...evidence.runs].sort((a, b) => a.beganMs - b.beganMs)) {
    byServer.set(run.server, [...(byServer.get(run.server) ?? []), run]);
  }
  return [...byServer.values()].flatMap((runs) =>
    runs.slice(1).map((run, index) => ({ run, isForeseen: isForeseen(runs[index], evidence) })),
  );
}

/**
 * A node may take a second job where its first one did not ask to take it offline and nobody could hear of it, or where
 * that died with its Jenkins.
 */
function isForeseen(earlier: Run | undefined, evidence: Evidence): boolean {
  if (earlier === undefined) return false;
  if (isHit(earlier, 'jenkins', evidence)) return true;
  const asksOffline = evidence.attempts.find(({ id }) => id === earlier.attempt)?.asksOffline === true;
  return !asksOffline && (isHit(earlier, 'daemon', evidence) || isHit(earlier, 'postgres', evidence));
}
