import { expect, test } from 'vitest';
import { GATE_UNIT, StandInBench } from './stand-in-bench.ts';

test('a build asked for by HTTP waits for an executor with its label, and runs there with its parameters', async () => {
  await using jenkins = await StandInBench.start({ jobs: [GATE_UNIT] });
  const asked = await jenkins.call('POST /job/gate-unit/buildWithParameters?SLEEP=7&UNDEFINED=x');
  expect(asked.headers['location']).toBe(`${jenkins.url}/queue/item/1/`);
  expect((await jenkins.read('/queue/item/1'))['why']).toBe('There are no nodes with the label ‘centos6’');

  await jenkins.onlineAgent('n1');
  const { command } = await jenkins.machines.step(1);

  expect(command).toMatchObject({ script: GATE_UNIT.command, folder: '/srv/agents/workspace/gate-unit' });
  expect(command.environment).toMatchObject({ SLEEP: '7', ZUUL_UUID: '', BUILD_NUMBER: '1', NODE_NAME: 'n1' });
  expect(command.environment).not.toHaveProperty('UNDEFINED');
  expect(await jenkins.read('/computer/n1', 'idle,executors[currentExecutable[number]]')).toMatchObject({
    idle: false,
    executors: [{ currentExecutable: { number: 1 } }],
  });
  expect(await jenkins.read('/queue/item/1', 'executable[number]')).toMatchObject({ executable: { number: 1 } });
});

test('a node that a parameter names is where the build runs, label or not: so test jobs find their node', async () => {
  const job = { name: 'check', command: 'true', parameters: { NODE: '' }, nodeParameter: 'NODE' };
  await using jenkins = await StandInBench.start({ jobs: [job] });
  await jenkins.onlineAgent('n1', { labelString: '' });
  await jenkins.onlineAgent('n2', { labelString: '' });

  await jenkins.call('POST /job/check/buildWithParameters?NODE=n2');

  expect((await jenkins.machines.step(1)).command.environment).toMatchObject({ NODE_NAME: 'n2' });
});

test('an agent that is switched off starts nothing until it is back', async () => {
  await using jenkins = await StandInBench.start({ jobs: [GATE_UNIT] });
  await jenkins.onlineAgent('n1');
  await jenkins.call('POST /computer/n1/changeOfflineCause?offlineMessage=drain');

  await jenkins.call('POST /job/gate-unit/buildWithParameters');
  expect((await jenkins.read('/queue/item/1'))['why']).toBe('‘n1’ is offline');
  await jenkins.call('POST /computer/n1/toggleOffline');

  expect((await jenkins.machines.step(1)).host).toBe('n1.example.org');
});

test('a job that may not run twice at once waits for its build', async () => {
  await using jenkins = await StandInBench.start({ jobs: [{ ...GATE_UNIT, concurrent: false }] });
  await jenkins.onlineAgent('n1', { numExecutors: 2 });
  await jenkins.call('POST /job/gate-unit/buildWithParameters?SLEEP=1');
  const first = await jenkins.machines.step(1);

  await jenkins.call('POST /job/gate-unit/buildWithParameters?SLEEP=2');
  expect(await jenkins.read('/queue/item/2', 'why')).toMatchObject({
    _class: 'hudson.model.Queue$BlockedItem',
    why: 'Build #1 is already in progress (ETA: N/A)',
  });
  first.finish(0);

  expect((await jenkins.machines.step(2)).command.environment).toMatchObject({ SLEEP: '2' });
});

test('disconnecting an agent under a build fails it, and launching brings the agent back', async () => {
  await using jenkins = await StandInBench.start({ jobs: [GATE_UNIT] });
  await jenkins.onlineAgent('n1');
  await jenkins.call('POST /job/gate-unit/buildWithParameters');
  await jenkins.machines.step(1);

  await jenkins.call('POST /computer/n1/doDisconnect?offlineMessage=under+build');

  await jenkins.until('/job/gate-unit/1', 'result', (json) => json['result'] === 'FAILURE');
  expect(await jenkins.read('/computer/n1', 'offlineCauseReason')).toMatchObject({ offlineCauseReason: 'under build' });
  await jenkins.call('POST /computer/n1/launchSlaveAgent');
  await jenkins.until('/computer/n1', 'offline', (json) => json['offline'] === false);
});

test('faults come before, instead of or after the answer, as often as they say', async () => {
  await using jenkins = await StandInBench.start();
  const rules = [
    { method: 'GET', path: '^/api/json', status: 503, body: '<html>Down</html>', times: 1 },
    { path: '^/computer/doCreateItem', cut: 'after', times: 1 },
    { path: '^/computer/n1/doDelete', cut: 'before', times: 1 },
  ];
  const switched = await jenkins.call('PUT /_devfarm/faults', { body: JSON.stringify({ rules }) });
  expect(JSON.parse(switched.text)).toMatchObject({ rules });

  expect((await jenkins.call('GET /api/json')).text).toBe('<html>Down</html>');
  expect((await jenkins.call('GET /api/json')).status).toBe(200);
  await expect(jenkins.createAgent('n1')).rejects.toThrow();
  expect((await jenkins.call('GET /computer/n1/api/json')).status).toBe(200);
  await expect(jenkins.call('POST /computer/n1/doDelete')).rejects.toThrow();
  expect((await jenkins.call('GET /computer/n1/api/json')).status).toBe(200);
  expect(JSON.parse((await jenkins.call('GET /_devfarm/faults')).text)).toEqual({ rules: [], dropEvents: {} });
});

test('what is no set of faults is refused, and the faults of before stay', async () => {
  await using jenkins = await StandInBench.start();
  await jenkins.call('PUT /_devfarm/faults', { body: '{"rules":[{"status":503}]}' });

  expect((await jenkins.call('PUT /_devfarm/faults', { body: '{"rulez":[]}' })).status).toBe(400);
  expect((await jenkins.call('GET /api/json')).status).toBe(503);
});
