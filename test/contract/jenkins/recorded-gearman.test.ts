import { beforeEach, expect, test } from 'vitest';
import { GearmanAdmin } from '../../../src/gearman/gearman-admin.ts';
import { GearmanClient } from '../../../src/gearman/gearman-client.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { TaskBoard } from '../../../src/runtime/task-board.ts';
import { GATE_UNIT, type StandInBench } from '../../devfarm/jenkins/stand-in-bench.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { type Gearmand, startGearmand } from '../../peers/gearmand.ts';
import { until } from '../../peers/until.ts';
import { onlineAgent, recordedBench } from './recorded-bench.ts';
import { recordedJob, recordedStatus, recordedWorkers, replayJob } from './recorded-gearman.ts';
import { replay } from './recording-replay.ts';

const RUN_MS = 20_000;
const GATE_FAIL = { name: 'gate-fail', label: 'centos6', command: 'false', parameters: { ZUUL_UUID: '' } };
const ON_MASTER = { name: 'on-master', label: 'master', command: 'true' };

let gearmand: Gearmand;
let client: GearmanClient;
let admin: GearmanAdmin;

beforeEach(async () => {
  gearmand = await startGearmand();
  const tasks = new TaskBoard(systemClock);
  const deps = { clock: systemClock, log: new RecordingLogger(), randomness: systemRandomness, tasks };
  client = new GearmanClient({ servers: [gearmand], clientId: 'zuul' }, deps);
  admin = new GearmanAdmin(gearmand, deps);
  return async () => {
    await client.close();
    admin.close();
    await gearmand[Symbol.asyncDispose]();
  };
});

/** A Jenkins like the recorded one, whose job has been built so often already. */
async function bench(builds: number, jobs: Parameters<typeof recordedBench>[0] = {}): Promise<StandInBench> {
  const { host, port } = gearmand;
  const jenkins = await recordedBench({
    gearman: { host, port },
    managerName: '192.0.2.2',
    jobs: [GATE_UNIT, GATE_FAIL],
    ...jobs,
  });
  jenkins.machines.status = 0;
  await onlineAgent('before')(jenkins);
  for (let sleep = 1; sleep <= builds; sleep += 1) {
    await jenkins.call(`POST /job/gate-unit/buildWithParameters?SLEEP=${sleep}`);
    await jenkins.until(`/job/gate-unit/${sleep}`, 'building', (json) => json['building'] === false);
  }
  await jenkins.call('POST /computer/before/doDelete');
  jenkins.machines.status = undefined;
  return jenkins;
}

/** Waits until gearmand shows the functions and workers of the recording. */
async function untilListedAs(file: string, index: number): Promise<void> {
  const [status, workers] = [recordedStatus(file, index), recordedWorkers(file, index)];
  const look = async (): Promise<readonly (readonly string[])[]> => [
    (await admin.status(neverAborted)).rows
      .map(({ name, total, running, workers: count }) => [name, total, running, count].join('\t'))
      .sort(),
    (await admin.workers(neverAborted)).rows
      .filter(({ clientId }) => clientId !== '-' && clientId !== 'zuul')
      .map(({ clientId, functions }) => [clientId, ...[...functions].sort()].join(' '))
      .sort(),
  ];
  let last: unknown;
  await until('the recorded listing', async () => {
    last = await look();
    return JSON.stringify(last) === JSON.stringify([status, workers]);
  }).catch(() => undefined); // the difference tells more
  expect(last).toEqual([status, workers]);
}

/** Replays a job whose step, the n-th, ends with that status as soon as it runs. */
async function replayStep(job: ReplayedJob, jenkins: StandInBench): Promise<void> {
  const replayed = replayJob(recordedJob(job.file, job.unique), client, jenkins.url);
  (await jenkins.machines.step(job.step)).finish(job.status ?? 0);
  await replayed;
}

type ReplayedJob = {
  readonly file: string;
  readonly unique: string;
  readonly step: number;
  readonly status?: number;
};

test(
  '06-gearman: what an agent offers; two builds, of which the second takes its node offline',
  { timeout: RUN_MS },
  async () => {
    const file = '06-gearman';
    await using jenkins = await bench(3);
    await onlineAgent('centos6-7')(jenkins);
    await untilListedAs(file, 0);

    await replayStep({ file, unique: 'uuid-aaa', step: 4 }, jenkins);
    await replayStep({ file, unique: 'uuid-bbb', step: 5 }, jenkins);

    await jenkins.until(
      '/computer/centos6-7',
      'temporarilyOffline,idle',
      (json) => json['temporarilyOffline'] === true && json['idle'] === true,
    );
    await replay(jenkins, file, ['queue']);
    await untilListedAs(file, 1);
    const cause = await jenkins.read('/computer/centos6-7', 'offlineCause[_class],offlineCauseReason');
    expect(cause).toMatchObject({
      offlineCause: { _class: 'hudson.slaves.OfflineCause$ByCLI' },
      offlineCauseReason: 'Offline due to Gearman request',
    });
  },
);

test('07-gearman: a node deleted under its build, one taken offline under it', { timeout: RUN_MS }, async () => {
  const file = '07-gearman';
  await using jenkins = await bench(5);
  await onlineAgent('r1')(jenkins);
  const deleted = replayJob(recordedJob(file, 'uuid-A'), client, jenkins.url);
  await jenkins.machines.step(6);
  await jenkins.call('POST /computer/r1/doDelete');
  await deleted;
  await untilListedAs(file, 0);

  await onlineAgent('r2')(jenkins);
  const toggled = replayJob(recordedJob(file, 'uuid-B'), client, jenkins.url);
  const step = await jenkins.machines.step(7);
  await replay(jenkins, '07-running-build-and-delete', ['toggle offline while building']);
  step.finish(0);
  await toggled;
  await untilListedAs(file, 1);
  await replay(jenkins, '07-running-build-and-delete', ['delete r2']);
});

test(
  '07-gearman: stop and set_description, and a job that fails and takes its node offline',
  { timeout: RUN_MS },
  async () => {
    const file = '07-gearman';
    await using jenkins = await bench(7);
    await onlineAgent('r3')(jenkins);
    const stopped = replayJob(recordedJob(file, 'uuid-C'), client, jenkins.url);
    await jenkins.machines.step(8);

    for (const unique of ['sd1', 'st1', 'sd2', 'st2']) {
      await replayJob(recordedJob(file, unique), client, jenkins.url);
    }
    await stopped;
    await replayStep({ file, unique: 'uuid-D', step: 9, status: 1 }, jenkins);

    const build = await jenkins.read('/job/gate-unit/8', 'number,building,result,description');
    expect(build).toMatchObject({ building: false, description: '<b>hello</b>', result: 'ABORTED' });
    await jenkins.until('/computer/r3', 'temporarilyOffline', (json) => json['temporarilyOffline'] === true);
    await replay(jenkins, '07-running-build-and-delete', ['delete r3']);
    await untilListedAs(file, 2);
  },
);

test(
  '09-gearman: SIGTERM fails a running job, and a restarted Jenkins offers only what is not switched off',
  { timeout: RUN_MS },
  async () => {
    const file = '09-gearman';
    await using jenkins = await bench(11, { jobs: [GATE_UNIT, GATE_FAIL, ON_MASTER], crumbIssuer: false });
    jenkins.randomness.nextFraction = 0.9; // this time the first data named the agent
    await onlineAgent('z1')(jenkins);
    await onlineAgent('z2')(jenkins);
    await jenkins.call('POST /computer/z2/toggleOffline?offlineMessage=held');
    const failed = replayJob(recordedJob(file, 'uuid-RESTART'), client, jenkins.url);
    await jenkins.machines.step(12);

    await jenkins.stop();
    await failed;
    await untilListedAs(file, 0);
    await jenkins.boot();
    await jenkins.until('/computer/z2', 'temporarilyOffline', (json) => json['temporarilyOffline'] === true);

    await untilListedAs(file, 1);
  },
);
