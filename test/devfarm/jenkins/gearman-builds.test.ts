import { beforeEach, expect, test } from 'vitest';
import { GearmanAdmin } from '../../../src/gearman/gearman-admin.ts';
import { GearmanClient } from '../../../src/gearman/gearman-client.ts';
import type { JobOutcome, JobProgress } from '../../../src/gearman/submitted-job.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { TaskBoard } from '../../../src/runtime/task-board.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { type Gearmand, startGearmand } from '../../peers/gearmand.ts';
import { until } from '../../peers/until.ts';
import { GATE_UNIT, StandInBench } from './stand-in-bench.ts';

let gearmand: Gearmand;
let client: GearmanClient;
let admin: GearmanAdmin;

// Each test has its own server: functions of a test before would stay in `status`.
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

/** A client that asked for exceptions hears one; Zuul, which did not, hears WORK_FAIL. */
const LOST = ['failed', 'exception'];

const FIRST_BOOT_MS = 20_000;

function bench(changes: Parameters<typeof StandInBench.start>[0] = {}): Promise<StandInBench> {
  const { host, port } = gearmand;
  return StandInBench.start({ gearman: { host, port }, managerName: '192.0.2.2', jobs: [GATE_UNIT], ...changes });
}

function submit(name: string, data: unknown, onProgress?: (progress: JobProgress) => void): Promise<JobOutcome> {
  const request = { function: name, data: JSON.stringify(data), deadlineMs: 15_000 };
  return client.submit({ ...request, ...(onProgress !== undefined && { onProgress }) }, neverAborted);
}

const resultOf = (outcome: JobOutcome): unknown =>
  outcome.type === 'completed' ? JSON.parse(outcome.result.toString()) : outcome.type;

/** FUNCTION → number of workers. */
async function workersOf(name: string): Promise<number | undefined> {
  const { rows } = await admin.status(neverAborted);
  return rows.find((line) => line.name === name)?.workers;
}

test('an agent offers its jobs with and without its label, and a build of it tells what Zuul reads', async () => {
  await using jenkins = await bench();
  await jenkins.onlineAgent('n1');

  const progress: JobProgress[] = [];
  const outcome = submit('build:gate-unit:centos6', { SLEEP: '3', ZUUL_UUID: 'a' }, (one) => progress.push(one));
  const step = await jenkins.machines.step(1);
  step.finish(0);

  expect(resultOf(await outcome)).toEqual({
    result: 'SUCCESS',
    number: 1,
    node_labels: ['centos6', 'n1'],
    manager: '192.0.2.2',
    name: 'gate-unit',
    node_name: 'n1',
    worker: 'n1_exec-0',
    url: `${jenkins.url}/job/gate-unit/1/`,
  });
  expect(step.command.environment).toMatchObject({
    SLEEP: '3',
    ZUUL_UUID: 'a',
    NODE_NAME: 'n1',
    JOB_NAME: 'gate-unit',
  });
  expect(progress.map(({ type }) => type)).toEqual(['data', 'status']);
  expect(progress[1]).toMatchObject({ numerator: 0, denominator: -1 });
  expect(await workersOf('build:gate-unit')).toBe(1);
});

test('the first data names the built-in node mostly, the agent sometimes', async () => {
  await using jenkins = await bench();
  jenkins.machines.status = 0;
  await jenkins.onlineAgent('n1');

  const names: unknown[] = [];
  for (const chance of [0, 0.9]) {
    jenkins.randomness.nextFraction = chance;
    const outcome = await submit('build:gate-unit', {});
    names.push((JSON.parse(outcome.data[0]?.toString() ?? '') as { node_name: unknown }).node_name);
  }

  expect(names).toEqual(['', 'n1']);
});

test.each(['OFFLINE_NODE_WHEN_COMPLETE', 'NODE_OFFLINE_WHEN_COMPLETE'])(
  'a job with %s leaves its node offline by request, whatever its result, and its functions withdrawn',
  async (parameter) => {
    await using jenkins = await bench();
    await jenkins.onlineAgent('n1');

    const outcome = submit('build:gate-unit:centos6', { [parameter]: 'true' });
    (await jenkins.machines.step(1)).finish(3);

    expect(resultOf(await outcome)).toMatchObject({ result: 'FAILURE' });
    const computer = await jenkins.until(
      '/computer/n1',
      'offline,temporarilyOffline,offlineCauseReason,idle',
      (json) => json['idle'] === true,
    );
    expect(computer).toMatchObject({ temporarilyOffline: true, offlineCauseReason: 'Offline due to Gearman request' });
    await until('functions are withdrawn', async () => (await workersOf('build:gate-unit')) === 0);
    const { rows } = await admin.workers(neverAborted);
    expect(rows.map((line) => line.clientId)).toContain('n1_exec-0');
  },
);

test('the real plugin ignores the spelling of some manuals', async () => {
  await using jenkins = await bench({ strictOfflineParameter: true });
  jenkins.machines.status = 0;
  await jenkins.onlineAgent('n1');

  await submit('build:gate-unit', { NODE_OFFLINE_WHEN_COMPLETE: '1' });

  expect(await jenkins.read('/computer/n1', 'temporarilyOffline')).toMatchObject({ temporarilyOffline: false });
});

test('changeOfflineCause withdraws the functions at once, under a build when that ends', async () => {
  await using jenkins = await bench();
  await jenkins.onlineAgent('n1');
  const first = submit('build:gate-unit', {});
  const step = await jenkins.machines.step(1);

  await jenkins.call('POST /computer/n1/changeOfflineCause?offlineMessage=drain');
  const second = submit('build:gate-unit', {});
  expect(await workersOf('build:gate-unit')).toBe(1);
  step.finish(0);

  expect(resultOf(await first)).toMatchObject({ result: 'SUCCESS' });
  await until('functions are withdrawn', async () => (await workersOf('build:gate-unit')) === 0);
  expect(jenkins.machines.steps).toHaveLength(1);
  await jenkins.call('POST /computer/n1/toggleOffline?offlineMessage=');
  (await jenkins.machines.step(2)).finish(0);
  expect(resultOf(await second)).toMatchObject({ number: 2 });
});

test('deleting an agent under a build fails that build and its gearman job', async () => {
  await using jenkins = await bench();
  await jenkins.onlineAgent('n1');
  const outcome = submit('build:gate-unit', {});
  await jenkins.machines.step(1);

  await jenkins.call('POST /computer/n1/doDelete');

  expect(LOST).toContain((await outcome).type);
  await jenkins.until('/job/gate-unit/1', 'result', (json) => json['result'] === 'FAILURE');
  expect((await jenkins.call('GET /computer/n1/api/json')).status).toBe(404);
  await until('the connection is closed', async () => (await workersOf('build:gate-unit')) === 0);
});

test('a build whose machine is lost fails the same way, and the agent is offline with a cause', async () => {
  await using jenkins = await bench();
  await jenkins.onlineAgent('n1');
  const outcome = submit('build:gate-unit', {});
  await jenkins.machines.step(1);

  jenkins.machines.lose('n1.example.org');

  expect(LOST).toContain((await outcome).type);
  const computer = await jenkins.until(
    '/computer/n1',
    'offline,offlineCause[_class],offlineCauseReason',
    (json) => json['offline'] === true,
  );
  expect(computer['offlineCause']).toEqual({ _class: 'hudson.slaves.OfflineCause$ChannelTermination' });
});

test('stop ends a build as ABORTED, and set_description describes it; both fail for a build that is not there', async () => {
  await using jenkins = await bench();
  await jenkins.onlineAgent('n1');
  const build = submit('build:gate-unit', {});
  await jenkins.machines.step(1);

  const described = await submit('set_description:192.0.2.2', {
    name: 'gate-unit',
    number: '1',
    html_description: '<b>hi</b>',
  });
  const stopped = await submit('stop:192.0.2.2', { name: 'gate-unit', number: 1 });

  expect(described).toMatchObject({ type: 'completed' });
  expect(described.type === 'completed' && described.result.toString()).toBe(
    'Description for Jenkins build 1 was updated to <b>hi</b>',
  );
  expect(stopped).toMatchObject({ type: 'completed' });
  expect(resultOf(await build)).toMatchObject({ result: 'ABORTED' });
  expect(await jenkins.read('/job/gate-unit/1', 'description')).toMatchObject({ description: '<b>hi</b>' });
  expect((await submit('stop:192.0.2.2', { name: 'gate-unit', number: '9999' })).type).toBe('failed');
  expect((await submit('set_description:192.0.2.2', { name: 'nosuch', number: '1' })).type).toBe('failed');
});

test(
  'SIGTERM fails running jobs before anything is closed; a killed Jenkins leaves them to the next worker',
  async () => {
    await using jenkins = await bench();
    await jenkins.onlineAgent('n1');
    const first = submit('build:gate-unit', {});
    await jenkins.machines.step(1);

    await jenkins.stop();
    expect(LOST).toContain((await first).type);

    await jenkins.boot();
    const second = submit('build:gate-unit', {});
    await jenkins.machines.step(2);
    await jenkins.stop('kill');
    await jenkins.boot();
    (await jenkins.machines.step(3)).finish(0);
    expect(resultOf(await second)).toMatchObject({ result: 'SUCCESS' });
  },
  FIRST_BOOT_MS,
);

test('a relabelled agent offers its new label, one that quiets down grabs nothing', async () => {
  const job = { ...GATE_UNIT, name: 'gate-docs', label: 'docs' };
  await using jenkins = await bench({ jobs: [GATE_UNIT, job] });
  jenkins.machines.status = 0;
  await jenkins.onlineAgent('n1');
  const config = (await jenkins.call('GET /computer/n1/config.xml')).text;
  await jenkins.call('POST /computer/n1/config.xml', { body: config.replace('>centos6<', '>docs<') });
  await until('the new function is there', async () => (await workersOf('build:gate-docs:docs')) === 1);
  expect(await workersOf('build:gate-unit:centos6')).toBe(0);

  await jenkins.call('POST /quietDown');
  const build = submit('build:gate-docs', {});
  await until('the job waits', async () => (await admin.status(neverAborted)).rows.some((line) => line.total === 1));
  expect(jenkins.machines.steps).toHaveLength(0);
  await jenkins.call('POST /cancelQuietDown');

  expect(resultOf(await build)).toMatchObject({ result: 'SUCCESS' });
});
