import { expect, test } from 'vitest';
import { startPublisher } from '../events/zmq-publisher.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

test.concurrent(
  'without any ZeroMQ the node of an ended job is found by reconciliation, within its minute',
  { timeout: FARM_MS },
  async () => {
    await using farm = await TestFarm.start({ config: { top: { 'zmq-publishers': ['tcp://127.0.0.1:1'] } } });
    await farm.startDaemon();
    const node = await farm.untilUsable();

    const job = farm.submitJob();
    await farm.until('the job to run', async () => ((await farm.jenkins.busyAgents()).length > 0 ? true : undefined));
    await farm.finishJob(node);
    const end = await job;
    await farm.until(
      'the node to be gone',
      async () => ((await farm.database.nodes.find(node.id)) === undefined ? true : undefined),
      90_000,
    );

    expect(end).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    expect((await farm.historyOf(node)).join('\n')).toContain(
      'jobFinished by reconcile: Its job took it offline: the end was missed',
    );
  },
);

test.concurrent(
  'a publisher that sends garbage is warned of once, and the other one is heard',
  { timeout: FARM_MS },
  async () => {
    await using farm = await TestFarm.start();
    const vandal = await startPublisher();
    farm.configure({ top: { 'zmq-publishers': [vandal.endpoint, farm.jenkins.zmqEndpoint] } });
    const daemon = await farm.startDaemon();
    const node = await farm.untilUsable();
    await vandal.subscribed();

    await vandal.send('onStarted', 'onFinalized {"name":', 'onStarted \u0000\u0001', `onFinalized ${'['.repeat(100_000)}`);
    await vandal.socket.send([Buffer.from([0xff, 0xfe]), Buffer.alloc(3)]);
    await vandal.send(`onFinalized ${JSON.stringify({ name: 7, build: { node_name: node.nodename } })}`);
    const warning = await daemon.logged(/Dropped a message of publisher/);
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');
    vandal.socket.close();

    expect((await job).result).toBe('SUCCESS');
    expect(warning).toContain(vandal.endpoint);
    expect(daemon.lines.filter((line) => line.includes('Dropped a message'))).toHaveLength(1);
  },
);
