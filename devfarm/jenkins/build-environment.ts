import type { Computer, Executor } from './computer.ts';
import type { BuildRecord, JobRecord } from './farm-records.ts';

/** What is built, where, and with what. */
export type BuildPlace = {
  readonly job: JobRecord;
  readonly computer: Computer;
  /** One without a build. */
  readonly executor: Executor;
  /** All that was given; Jenkins shows those that the job defines. */
  readonly parameters: Readonly<Record<string, string>>;
};

/** What a shell step finds in its environment: the parameters, and Jenkins' own variables. */
export function buildEnvironment(
  { job, computer, executor, parameters }: BuildPlace,
  build: BuildRecord,
  baseUrl: string,
): Readonly<Record<string, string>> {
  const named = Object.entries({ ...job.parameters, ...parameters }).filter(([name]) => /^[A-Za-z_]\w*$/.test(name));
  return {
    ...Object.fromEntries(named),
    BUILD_ID: String(build.number),
    BUILD_NUMBER: String(build.number),
    BUILD_TAG: `jenkins-${job.id}-${build.number}`,
    BUILD_URL: `${baseUrl}/job/${encodeURIComponent(job.id)}/${build.number}/`,
    EXECUTOR_NUMBER: String(executor.number),
    JENKINS_URL: `${baseUrl}/`,
    JOB_NAME: job.id,
    NODE_LABELS: computer.labels.join(' '),
    NODE_NAME: computer.isBuiltIn ? 'master' : computer.name,
    WORKSPACE: `${computer.record.remoteFolder}/workspace/${job.id}`,
  };
}
