import { z } from 'zod';
import type { Clock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import { joinSignals } from '../../src/runtime/join-signals.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import type { BuildEnd, BuildRunner } from './build-runner.ts';
import type { ChangeBell } from './change-bell.ts';
import type { Computer, Executor } from './computer.ts';
import type { Computers } from './computers.ts';
import type { BuildRecord, JobRecord } from './farm-records.ts';
import { jobOfFunction } from './gearman-functions.ts';
import type { GearmanJob } from './gearman-session.ts';
import type { JobBook } from './job-book.ts';
import type { StandInOptions } from './stand-in-options.ts';

export type GearmanBuildDeps = {
  readonly options: StandInOptions;
  readonly computers: Computers;
  readonly jobs: JobBook;
  readonly runner: BuildRunner;
  readonly bell: ChangeBell;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly baseUrl: () => string;
  readonly signal: AbortSignal;
};

type Place = { readonly computer: Computer; readonly executor: Executor };

const Parameters = z.record(z.string(), z.coerce.string());
const TRUTHY = new Set(['1', 'true', 'True', 'TRUE']);
const OFFLINE_MESSAGE = 'Offline due to Gearman request';
/** How often the first WORK_DATA names the built-in node instead of the agent. */
const WRONG_NODE_SHARE = 0.8;

/** Runs a build that a gearman client asked for, and reports it as gearman-plugin does. Never throws. */
export async function runGearmanBuild(job: GearmanJob, place: Place, deps: GearmanBuildDeps): Promise<void> {
  const found = jobOfFunction(job.functionName, (name) => deps.jobs.find(name));
  const parameters = parseParameters(job.data);
  if (found === undefined || parameters === undefined) {
    job.fail();
    return;
  }
  try {
    await untilFree(place, deps);
  } catch (error) {
    job.raise(describeError(error));
    return;
  }
  const started = deps.runner.start({
    ...place,
    job: found,
    parameters,
    by: 'gearman',
    queueId: 0,
    endings: [
      (end) => {
        reportEnd(job, { ...place, build: started.build, end }, deps);
      },
      () => {
        if (wantsOffline(parameters, deps.options)) switchOff(place.computer, deps);
      },
    ],
  });
  reportStart(job, { ...place, job: found, build: started.build }, deps);
  await started.ended;
}

/** A job grabbed while its node goes offline has no build: it waits until the node is back, or gone. */
async function untilFree({ computer, executor }: Place, { bell, signal }: GearmanBuildDeps): Promise<void> {
  using until = joinSignals(computer.gone.signal, signal);
  await bell.until(() => (!computer.isOffline && executor.build === undefined) || undefined, until.signal);
}

function reportStart(
  job: GearmanJob,
  { computer, executor, job: { id }, build }: Place & { readonly job: JobRecord; readonly build: BuildRecord },
  deps: GearmanBuildDeps,
): void {
  const shown = deps.randomness.fraction() < WRONG_NODE_SHARE ? deps.computers.builtIn : computer;
  job.sendData(JSON.stringify(dataOf({ shown, computer, executor, build }, deps)));
  job.sendStatus(0, deps.jobs.estimateMs(id));
}

function reportEnd(
  job: GearmanJob,
  { computer, executor, build, end }: Place & { readonly build: BuildRecord; readonly end: BuildEnd },
  deps: GearmanBuildDeps,
): void {
  if (end.isLost) {
    job.raise('The node is gone');
    return;
  }
  const data = dataOf({ shown: computer, computer, executor, build }, deps);
  job.complete(JSON.stringify({ result: end.result, ...data }));
}

/** `shown`: the node whose name and labels are told. */
function dataOf(
  { shown, computer, executor, build }: Place & { readonly shown: Computer; readonly build: BuildRecord },
  { options, baseUrl }: GearmanBuildDeps,
): Readonly<Record<string, unknown>> {
  const owner = computer.isBuiltIn ? options.managerName : computer.name;
  return {
    number: build.number,
    node_labels: shown.labels,
    manager: options.managerName,
    name: build.job,
    node_name: shown.name,
    worker: `${owner}_exec-${executor.number}`,
    url: `${baseUrl()}/job/${encodeURIComponent(build.job)}/${build.number}/`,
  };
}

function wantsOffline(parameters: Readonly<Record<string, string>>, options: StandInOptions): boolean {
  const spellings = [
    'OFFLINE_NODE_WHEN_COMPLETE',
    ...(options.strictOfflineParameter ? [] : ['NODE_OFFLINE_WHEN_COMPLETE']),
  ];
  return spellings.some((name) => TRUTHY.has(parameters[name] ?? ''));
}

function switchOff(computer: Computer, { computers, clock }: GearmanBuildDeps): void {
  if (computer.gone.signal.aborted) return;
  computers.switch(computer, { by: 'ByCLI', message: OFFLINE_MESSAGE, atMs: clock.now().getTime() });
}

/** Undefined: the client sent no JSON object. */
function parseParameters(data: string): Readonly<Record<string, string>> | undefined {
  if (data === '') return {};
  try {
    return Parameters.parse(JSON.parse(data));
  } catch {
    return undefined; // answered by WORK_FAIL
  }
}
