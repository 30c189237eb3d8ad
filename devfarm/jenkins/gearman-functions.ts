import type { Computer } from './computer.ts';
import type { JobRecord } from './farm-records.ts';

/** Whether the job may run on the computer, by its label. */
export function mayRunOn(computer: Computer, label: string | undefined): boolean {
  if (label !== undefined) return computer.labels.includes(label);
  return computer.record.mode !== 'EXCLUSIVE';
}

/** The functions that a computer's executors offer: none while it is switched off. */
export function functionsOf(computer: Computer, jobs: readonly JobRecord[]): readonly string[] {
  if (computer.isOffline) return [];
  return jobs
    .filter((job) => !job.disabled && mayRunOn(computer, job.label))
    .flatMap((job) => {
      const isLabelled = job.label !== undefined && !computer.isBuiltIn;
      return isLabelled ? [`build:${job.id}`, `build:${job.id}:${job.label}`] : [`build:${job.id}`];
    });
}

/** The job that `build:JOB` or `build:JOB:LABEL` names. */
export function jobOfFunction(
  functionName: string,
  find: (name: string) => JobRecord | undefined,
): JobRecord | undefined {
  const rest = functionName.replace(/^build:/, '');
  const colon = rest.lastIndexOf(':');
  return find(rest) ?? (colon === -1 ? undefined : find(rest.slice(0, colon)));
}
