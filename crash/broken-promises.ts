import type { Attempt, Evidence, Run } from './evidence.ts';
import { findSecondRuns, killsDuring } from './second-runs.ts';

/** What the evidence says. */
export type Verdict = {
  /** One line for each promise that was not kept. */
  readonly broken: readonly string[];
  /** Nodes that ran a second job where nobody promised that they would not: see docs/reliability.md. */
  readonly reused: number;
};

/** Holds the evidence against the promises: each job that began ends with its own result, and no node runs two. */
export function judge(evidence: Evidence): Verdict {
  const second = findSecondRuns(evidence);
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

function faultOf(attempt: Attempt, { runs, outages }: Evidence): string | undefined {
  const { id, outcome, result, expects } = attempt;
  if (outcome === 'completed') {
    return result === expects ? undefined : `Job ${id} ended with ${result ?? 'no result'} instead of ${expects}`;
  }
  const own = runs.filter((each) => each.attempt === id);
  const [run] = own;
  if (run === undefined) return undefined; // it never began: Zuul starts it again
  // Builds end with Jenkins, and gearmand gives them to others; Zuul's connection ends with gearmand. Neither is ours to save.
  const killers = outcome === 'disconnected' ? (['jenkins', 'gearmand'] as const) : (['jenkins'] as const);
  if (own.some((each) => killers.some((part) => killsDuring(part, each, outages).length > 0))) return undefined;
  const detail = attempt.detail === undefined ? '' : `: ${attempt.detail}`;
  return `${title(run)} and Zuul heard "${outcome}"${detail}`;
}

function wasKilled(run: Run, { outages }: Evidence): boolean {
  return run.endedMs === undefined && killsDuring('jenkins', run, outages).length === 0;
}

function title({ attempt, server }: Run): string {
  return `Job ${attempt} ran on server ${server}`;
}
