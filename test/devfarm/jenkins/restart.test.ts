import { expect, test } from 'vitest';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { GATE_UNIT, StandInBench } from './stand-in-bench.ts';

const STATE = 'offline,temporarilyOffline,offlineCauseReason';

test('agents, their switches, jobs and builds survive a restart', async () => {
  await using jenkins = await StandInBench.start({ jobs: [GATE_UNIT] });
  jenkins.machines.status = 0;
  await jenkins.onlineAgent('n1');
  await jenkins.call('POST /job/gate-unit/buildWithParameters?SLEEP=7');
  await jenkins.until('/job/gate-unit/1', 'result', (json) => json['result'] === 'SUCCESS');
  await jenkins.call('POST /computer/n1/changeOfflineCause?offlineMessage=held');
  await jenkins.call('POST /createItem?name=made', { body: '<project><builders/></project>' });

  await jenkins.stop();
  await jenkins.boot();

  await jenkins.until('/computer/n1', STATE, (json) => json['offlineCauseReason'] === 'held');
  expect(await jenkins.read('/job/gate-unit', 'builds[number,result],nextBuildNumber')).toMatchObject({
    builds: [{ number: 1, result: 'SUCCESS' }],
    nextBuildNumber: 2,
  });
  expect((await jenkins.call('GET /job/made/api/json')).status).toBe(200);
  expect((await jenkins.call('GET /job/gate-unit/1/consoleText')).text).toContain('Finished: SUCCESS');
});

test('a switched-off agent shows its switch only when it is connected again, its config.xml shows it before', async () => {
  await using jenkins = await StandInBench.start();
  await jenkins.onlineAgent('n1');
  await jenkins.call('POST /computer/n1/changeOfflineCause?offlineMessage=held');
  await jenkins.stop();
  jenkins.machines.slow.add('n1.example.org');

  await jenkins.boot();

  expect(await jenkins.read('/computer/n1', STATE)).toMatchObject({ offline: true, temporarilyOffline: false });
  expect((await jenkins.call('GET /computer/n1/config.xml')).text).toContain('<temporaryOfflineCause');
  jenkins.machines.answer('n1.example.org');
  await jenkins.until('/computer/n1', STATE, (json) => json['temporarilyOffline'] === true);
});

test('changeOfflineCause sets the flag at once on an agent that never connects', async () => {
  await using jenkins = await StandInBench.start();
  jenkins.machines.slow.add('n1.example.org');
  await jenkins.createAgent('n1');

  await jenkins.call('POST /computer/n1/changeOfflineCause?offlineMessage=again');

  expect(await jenkins.read('/computer/n1', STATE)).toMatchObject({
    temporarilyOffline: true,
    offlineCauseReason: 'again',
  });
});

test('while it boots everything is 503 without Retry-After', async () => {
  const clock = new FakeClock();
  await using jenkins = await StandInBench.start({ clock, timing: { bootMs: 11_000 } });

  const early = await jenkins.call('GET /api/json');
  await clock.advance(11_000);
  const later = await jenkins.call('GET /api/json');

  expect([early.status, later.status]).toEqual([503, 200]);
  expect(early.text).toContain('<title>Starting Jenkins</title>');
  expect(early.headers).not.toHaveProperty('retry-after');
});

test('an agent that does not answer is tried again and again, then failed, then launched anew', async () => {
  const clock = new FakeClock();
  await using jenkins = await StandInBench.start({ clock });
  jenkins.machines.unreachable.add('n1.example.org');
  await jenkins.createAgent('n1');
  for (let retry = 1; retry <= 10; retry += 1) {
    await jenkins.machines.untilLogins(retry);
    await clock.untilSleeping();
    await clock.advance(15_000);
  }

  await jenkins.machines.untilLogins(11);
  await clock.advance(15_000);
  expect(await jenkins.read('/computer/n1', 'offlineCause')).toMatchObject({
    offlineCause: { _class: 'hudson.slaves.OfflineCause$LaunchFailed' },
  });
  jenkins.machines.unreachable.clear();
  await clock.advance(60_000);

  await jenkins.until('/computer/n1', 'offline', (json) => json['offline'] === false);
});

test('an agent whose machine refuses the key, or without a credential, has failed at once', async () => {
  await using jenkins = await StandInBench.start();
  jenkins.machines.refusing.add('n1.example.org');
  await jenkins.createAgent('n1');
  await jenkins.createAgent('n2', { launcher: { host: 'n2', username: 'root', privatekey: '/key' } });

  for (const name of ['n1', 'n2']) {
    await jenkins.until(`/computer/${name}`, 'offlineCauseReason', (json) =>
      String(json['offlineCauseReason']).includes('failed to launch'),
    );
  }
  expect((await jenkins.call('GET /computer/n2/config.xml')).text).not.toContain('privatekey');
});

test('of four creates of one name at once three are told of success', async () => {
  await using jenkins = await StandInBench.start({ timing: { createMs: 50 } });

  const replies = await Promise.all([1, 2, 3, 4].map(() => jenkins.createAgent('n1')));

  expect(replies.map(({ status }) => status).sort()).toEqual([302, 302, 302, 400]);
});

test('a deleted agent with a build stays listed until that has failed', async () => {
  const clock = new FakeClock();
  await using jenkins = await StandInBench.start({ clock, jobs: [GATE_UNIT], timing: { removalMs: 4_000 } });
  await jenkins.onlineAgent('n1');
  await jenkins.call('POST /job/gate-unit/buildWithParameters');
  await jenkins.machines.step(1);

  await jenkins.call('POST /computer/n1/doDelete');

  expect(await jenkins.read('/computer/n1', `${STATE},idle,offlineCause`)).toMatchObject({
    offline: true,
    idle: false,
    offlineCauseReason: 'Node is being removed',
    offlineCause: { _class: 'hudson.slaves.OfflineCause$SimpleOfflineCause' },
  });
  await clock.advance(4_000);
  await jenkins.until('/job/gate-unit/1', 'result', (json) => json['result'] === 'FAILURE');
  expect((await jenkins.call('GET /computer/n1/api/json')).status).toBe(404);
});
