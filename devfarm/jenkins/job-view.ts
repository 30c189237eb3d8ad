import type { ApiView } from './api-json.ts';
import type { BuildRecord, JobRecord } from './farm-records.ts';
import type { JenkinsWorld } from './jenkins-world.ts';

const BUILD_CLASS = 'hudson.model.FreeStyleBuild';

/** A job as others refer to it. */
export function referToJob(job: JobRecord, world: JenkinsWorld): Readonly<Record<string, unknown>> {
  return {
    _class: 'hudson.model.FreeStyleProject',
    name: job.id,
    url: `${world.baseUrl()}/job/${encodeURIComponent(job.id)}/`,
    color: colorOf(job, world),
  };
}

/** `/job/J/api/json` */
export function viewJob(job: JobRecord, world: JenkinsWorld): ApiView {
  const builds = world.jobs.buildsOf(job.id);
  const full = (build: BuildRecord): unknown => viewBuild(build, world).full;
  const plain = ({ number }: BuildRecord): unknown => ({
    _class: BUILD_CLASS,
    number,
    url: urlOf(job.id, number, world),
  });
  const of = (view: (build: BuildRecord) => unknown): unknown => {
    const newest = (isWanted: (build: BuildRecord) => boolean): unknown => {
      const found = builds.find(isWanted);
      return found === undefined ? null : view(found);
    };
    const last = builds.at(-1);
    return {
      _class: 'hudson.model.FreeStyleProject',
      actions: [],
      description: '',
      displayName: job.id,
      displayNameOrNull: null,
      fullDisplayName: job.id,
      fullName: job.id,
      name: job.id,
      url: `${world.baseUrl()}/job/${encodeURIComponent(job.id)}/`,
      buildable: !job.disabled,
      builds: builds.map(view),
      color: colorOf(job, world),
      firstBuild: last === undefined ? null : view(last),
      healthReport: [],
      inQueue: world.queue.waiting().some((item) => item.job === job.id),
      keepDependencies: false,
      lastBuild: newest(() => true),
      lastCompletedBuild: newest((build) => build.result !== undefined),
      lastFailedBuild: newest((build) => build.result === 'FAILURE'),
      lastStableBuild: newest((build) => build.result === 'SUCCESS'),
      lastSuccessfulBuild: newest((build) => build.result === 'SUCCESS'),
      nextBuildNumber: job.nextNumber,
      property: [{ _class: 'hudson.model.ParametersDefinitionProperty', parameterDefinitions: definitionsOf(job) }],
    };
  };
  return { plain: of(plain), full: of(full) };
}

/** `/job/J/N/api/json` */
export function viewBuild(build: BuildRecord, world: JenkinsWorld): ApiView {
  const parameters = Object.entries(build.parameters).map(([name, value]) => ({
    _class: build.by === 'gearman' ? 'hudson.model.TextParameterValue' : 'hudson.model.StringParameterValue',
    name,
    value,
  }));
  const holder =
    build.by === 'gearman' ? 'hudson.plugins.gearman.NodeParametersAction' : 'hudson.model.ParametersAction';
  const view = {
    _class: BUILD_CLASS,
    actions: [{ _class: holder, parameters }, startedBy(build.by === 'gearman' ? undefined : world.options.user)],
    artifacts: [],
    building: build.result === undefined,
    description: build.description ?? null,
    displayName: `#${build.number}`,
    duration: build.durationMs ?? 0,
    estimatedDuration: world.jobs.estimateMs(build.job),
    executor: null,
    fullDisplayName: `${build.job} #${build.number}`,
    id: String(build.number),
    keepLog: false,
    number: build.number,
    queueId: build.queueId,
    result: build.result ?? null,
    timestamp: build.startedAtMs,
    url: urlOf(build.job, build.number, world),
    builtOn: build.builtOn,
    changeSet: { _class: 'hudson.scm.EmptyChangeLogSet', items: [], kind: null },
    culprits: [],
  };
  return { plain: view, full: view };
}

/** Why something was started; undefined user: by gearman. */
export function startedBy(user: string | undefined): unknown {
  const userName = user ?? 'anonymous';
  const cause = {
    _class: 'hudson.model.Cause$UserIdCause',
    shortDescription: `Started by user ${userName}`,
    userId: user ?? null,
    userName,
  };
  return { _class: 'hudson.model.CauseAction', causes: [cause] };
}

function definitionsOf(job: JobRecord): readonly unknown[] {
  return Object.entries(job.parameters).map(([name, value]) => ({
    _class: 'hudson.model.StringParameterDefinition',
    defaultParameterValue: { _class: 'hudson.model.StringParameterValue', value },
    description: '',
    name,
    type: 'StringParameterDefinition',
  }));
}

function colorOf(job: JobRecord, { jobs }: JenkinsWorld): string {
  if (job.disabled) return 'disabled';
  const builds = jobs.buildsOf(job.id);
  const ended = builds.find((build) => build.result !== undefined);
  const colors = { SUCCESS: 'blue', FAILURE: 'red', ABORTED: 'aborted' };
  const color = ended?.result === undefined ? 'notbuilt' : colors[ended.result];
  return builds[0] !== undefined && builds[0].result === undefined ? `${color}_anime` : color;
}

function urlOf(job: string, number: number, { baseUrl }: JenkinsWorld): string {
  return `${baseUrl()}/job/${encodeURIComponent(job)}/${number}/`;
}
