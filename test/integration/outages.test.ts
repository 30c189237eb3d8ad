import { describe, expect, test } from 'vitest';
import { startPublisher } from '../events/zmq-publisher.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

// Each test has a farm of its own; most of their time is waiting for the daemon's loops. The longest begin first.
describe.concurrent('a peer that is away or talks nonsense', { timeout: FARM_MS }, () => {
  test('without any ZeroMQ the node of an ended job is found by reconciliation, within its minute', async () => {
    await using farm = await TestFarm.start({ config: { top: { 'zmq-publishers': ['tcp://127.0.0.1:1'] } } });
    await farm.startDaemon();
    const node = await farm.untilUsable();

    const job = farm.submitJob();
    await farm.until('the job to run', async () => ((await farm.jenkins.busyAgents()).length > 0 ? true : undefined));
    await farm.finishJob(node);
    const end = await job;
    await farm.untilNode(node, 'gone', RECONCILED_MS);

    expect(end).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    expect((await farm.historyOf(node)).join('\n')).toContain(
      'jobFinished by reconcile: It is offline after its job: the end was missed',
    );
  });

  test('Postgres restarts while a job runs: the daemon goes on, and nothing is lost', async () => {
    await using farm = await TestFarm.start({ database: 'managed' });
    const daemon = await farm.startDaemon();
    await farm.openDatabase();
    const node = await farm.untilUsable();
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');

    const stopped = await farm.nodepool('db', 'stop');
    await farm.finishJob(node);
    const end = await job;
    const listed = await farm.nodepool('list'); // starts it
    await farm.untilNode(node, 'gone', RECONCILED_MS);
    await farm.untilUsable();
    await farm.untilTidy();

    expect(stopped).toMatchObject({ exitCode: 0 });
    expect(daemon.lines.join('\n')).toContain('Cannot use the database');
    expect(listed).toMatchObject({ exitCode: 0 });
    expect(end).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
  });

  test.each([
    ['503', { status: 503 }, /answered GetInfoTask with 503/],
    ['403', { status: 403 }, /Jenkins refused: .* answered GetInfoTask with 403/],
    ['another page', { status: 200, body: ANOTHER_PAGE }, /Cannot read the answer .* it is text\/html/],
  ])('Jenkins answers %s: its target is offline and gets no nodes until it is well', async (_, fault, reason) => {
    await using farm = await TestFarm.start();
    const daemon = await farm.startDaemon();
    const node = await farm.untilUsable();

    await farm.jenkins.fail({ rules: [fault] });
    const complaint = await daemon.logged(/Jenkins of target "ci" is offline/);
    const since = daemon.mark();
    const deleted = await farm.nodepool('delete', String(node.id));
    await daemon.logged(/Deletion of node id: \d+ goes on later/, since);
    const launched = daemon.lines.slice(since).filter((line) => line.includes('Need to launch'));
    await farm.jenkins.mend();
    await daemon.logged(/Target ci is online/, since);
    await farm.untilNode(node, 'gone');
    await farm.untilUsable();
    await farm.untilTidy();

    expect(complaint).toMatch(reason);
    expect(deleted.exitCode).toBe(0);
    expect(launched).toEqual([]);
  });

  test('a farm that starts without gearmand keeps min-ready, and serves jobs when gearmand comes', async () => {
    await using farm = await TestFarm.start();
    await farm.killGearmand();
    const daemon = await farm.startDaemon();

    const node = await farm.untilUsable();
    const complaints = daemon.lines.filter((line) => line.includes('Gearman server does not answer'));
    await farm.restartGearmand();
    await daemon.logged(/Gearman server answers again/);
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');

    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(`127.0.0.1:${farm.gearmanPort}`);
  });

  test('gearmand dies under a running job: the job runs to its end, its node goes, later jobs are served', async () => {
    await using farm = await TestFarm.start();
    const daemon = await farm.startDaemon();
    const node = await farm.untilUsable();
    const interrupted = farm.submitJob();
    await farm.untilNode(node, 'used');

    await farm.killGearmand();
    await daemon.logged(/Gearman server does not answer; its last status is kept/);
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');
    await farm.restartGearmand();
    await daemon.logged(/Gearman server answers again/);
    await farm.untilUsable();
    const job = farm.submitJob();
    const [next] = await farm.untilNodes(1, 'used'); // two may be ready: the job that ran still counted
    if (next !== undefined) await farm.finishJob(next);

    expect((await interrupted).type).toBe('disconnected');
    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: next?.nodename });
  });

  test('a publisher that sends garbage is warned of once, and the other one is heard', async () => {
    await using farm = await TestFarm.start();
    const vandal = await startPublisher();
    farm.configure({ top: { 'zmq-publishers': [vandal.endpoint, farm.jenkins.zmqEndpoint] } });
    const daemon = await farm.startDaemon();
    const node = await farm.untilUsable();
    await vandal.subscribed();

    await vandal.send(
      'onStarted',
      'onFinalized {"name":',
      'onStarted \u0000\u0001',
      `onFinalized ${'['.repeat(99_999)}`,
    );
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
  });

  test('a full disk under the state directory: one line says so, and the daemon ends', async () => {
    await using farm = await TestFarm.start({ database: 'managed' });

    const daemon = await farm.startDaemon({ untilRunning: false, stateSize: '12m' });
    const end = await daemon.ended();

    expect(end).toBe('status 1');
    expect(daemon.lines.filter((line) => !line.includes('DEBUG'))).toEqual([
      expect.stringMatching(/No space left on device/),
    ]);
  });
});

const ANOTHER_PAGE = '<html><head><title>Welcome</title></head><body>It works!</body></html>';
/** A pass each minute, with much time for its work. */
const RECONCILED_MS = 150_000;
