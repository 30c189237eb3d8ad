import { Subscriber } from 'zeromq';
import { afterEach, expect, test } from 'vitest';
import { EventBuffer } from '../../../src/events/event-buffer.ts';
import { GATE_UNIT, StandInBench } from './stand-in-bench.ts';

const subscribers: Subscriber[] = [];

afterEach(() => {
  for (const subscriber of subscribers.splice(0)) subscriber.close();
});

/** Ends when an event would be heard; gives what receives the next one. */
async function subscribe(jenkins: StandInBench): Promise<() => Promise<string>> {
  const subscriber = new Subscriber({ linger: 0, reconnectInterval: 10 });
  subscribers.push(subscriber);
  subscriber.subscribe();
  subscriber.connect(jenkins.zmqEndpoint);
  // Read all the time: only a socket that is read subscribes again after a reconnect.
  const buffer = new EventBuffer<string>(1000);
  void (async () => {
    for await (const frames of subscriber) buffer.push(frames.map(String).join('|'));
  })();
  await jenkins.untilHeard();
  return async () => (await buffer.take(1))?.[0] ?? '';
}

async function build(jenkins: StandInBench, query = 'SLEEP=40'): Promise<void> {
  const { status } = await jenkins.call(`POST /job/gate-unit/buildWithParameters?${query}`);
  expect(status).toBe(201);
}

test('the events of a build are those of the plugin, byte for byte', async () => {
  const parameters = { SLEEP: '1' };
  await using jenkins = await StandInBench.start({
    bindZmqLate: false,
    managerName: '192.0.2.2',
    jobs: [{ ...GATE_UNIT, parameters }],
  });
  await jenkins.onlineAgent('z1');
  const receive = await subscribe(jenkins);

  await build(jenkins);
  (await jenkins.machines.step(1)).finish(0);

  const common = `"url":"job/gate-unit/1/","parameters":{"SLEEP":"40"},"node_name":"z1","node_description":"Dynamic single use test node","host_name":"192.0.2.2"}}`;
  const start = `{"name":"gate-unit","url":"job/gate-unit/","build":{"full_url":"${jenkins.url}/job/gate-unit/1/","number":1`;
  expect(await receive()).toBe(`onStarted ${start},"phase":"STARTED",${common}`);
  expect(await receive()).toBe(`onCompleted ${start},"phase":"COMPLETED","status":"SUCCESS",${common}`);
  expect(await receive()).toBe(`onFinalized ${start},"phase":"FINISHED","status":"SUCCESS",${common}`);
});

test('a build on the built-in node has an empty node name, and no parameters where it has none', async () => {
  await using jenkins = await StandInBench.start({
    bindZmqLate: false,
    jobs: [{ name: 'on-master', label: 'master', command: 'true' }],
  });
  const receive = await subscribe(jenkins);

  await jenkins.call('POST /job/on-master/build');
  const started = await receive();

  expect(started).toContain('"url":"job/on-master/1/","node_name":"","node_description":"the master Jenkins node"');
});

test('the port is bound at the first build after boot, whose start nobody hears', async () => {
  await using jenkins = await StandInBench.start({ jobs: [GATE_UNIT] });
  await jenkins.onlineAgent('n1');
  await build(jenkins);
  const receive = await subscribe(jenkins);

  (await jenkins.machines.step(1)).finish(0);

  expect(await receive()).toMatch(/^onCompleted /);
});

test('the ends of a build whose node was deleted have no description', async () => {
  await using jenkins = await StandInBench.start({ bindZmqLate: false, jobs: [GATE_UNIT] });
  await jenkins.onlineAgent('n1');
  const receive = await subscribe(jenkins);
  await build(jenkins);
  await jenkins.machines.step(1);
  expect(await receive()).toContain('"node_description"');

  await jenkins.call('POST /computer/n1/doDelete');

  for (const topic of ['onCompleted', 'onFinalized']) {
    const event = await receive();
    expect(event).toContain(`${topic} `);
    expect(event).toContain('"status":"FAILURE"');
    expect(event).toContain('"node_name":"n1","host_name"');
  }
});

test('a fault drops as many events of a topic as it says', async () => {
  await using jenkins = await StandInBench.start({ bindZmqLate: false, jobs: [GATE_UNIT] });
  jenkins.machines.status = 0;
  await jenkins.onlineAgent('n1');
  const receive = await subscribe(jenkins);
  const faults = { dropEvents: { onStarted: 1, onCompleted: true } };
  await jenkins.call('PUT /_devfarm/faults', { body: JSON.stringify(faults) });

  await build(jenkins, 'SLEEP=1');
  expect(await receive()).toMatch(/^onFinalized /);
  await build(jenkins, 'SLEEP=2');
  expect(await receive()).toMatch(/^onStarted /);
});

test('a Jenkins that stops tells of no end', async () => {
  await using jenkins = await StandInBench.start({ bindZmqLate: false, jobs: [GATE_UNIT] });
  await jenkins.onlineAgent('n1');
  const receive = await subscribe(jenkins);
  await build(jenkins);
  await jenkins.machines.step(1);
  expect(await receive()).toMatch(/^onStarted /);

  await jenkins.stop();
  await jenkins.boot({ zmqPort: Number(new URL(jenkins.zmqEndpoint).port) });
  expect(await jenkins.read('/job/gate-unit/lastBuild', 'result,building')).toMatchObject({ result: 'ABORTED' });
  jenkins.machines.status = 0;
  await jenkins.until('/computer/n1', 'offline', (json) => json['offline'] === false);
  await jenkins.untilHeard();
  await build(jenkins);

  expect(await receive()).not.toContain('gate-unit/1/');
});
