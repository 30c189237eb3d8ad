import { expect, test } from 'vitest';
import { type Metrics, openMetrics } from '../../src/metrics/open-metrics.ts';
import { aNode } from '../builders/a-node.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { StatsdListener } from './statsd-listener.ts';

const NODE = aNode({ provider: 'rax-ord', label: 'devstack', target: 'jenkins01' });
const log = new RecordingLogger();

/** What statsd gets when `report` is done; the counter `end` closes it. */
async function linesOf(
  report: (metrics: Metrics) => void,
  environment: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  await using statsd = await StatsdListener.open();
  const address = { STATSD_HOST: '127.0.0.1', STATSD_PORT: statsd.port };
  const metrics = openMetrics({ ...address, ...environment }, { clock: new FakeClock(), log });
  report(metrics);
  metrics.calls.onCloudCall('x', 'end', 0);
  for (;;) {
    const lines = await statsd.until(statsd.lines.length + 1);
    if (lines.at(-1) === 'nodepool.task.x.end:1|c') return lines.slice(0, -2);
  }
}

/** A timing and its counter, for each key. */
function paired(ms: number, ...keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => [`${key}:${ms}|ms`, `${key}:1|c`]);
}

test('what leaked in a provider is a gauge, sent after each look', async () => {
  const lines = await linesOf(({ nodes }) => {
    nodes.leaksSeen('rax-ord', { servers: 2, ports: 0 });
  });

  expect(lines).toEqual([
    'nodepool.provider.rax-ord.leaked.instances:2|g',
    'nodepool.provider.rax-ord.leaked.ports:0|g',
  ]);
});

test('a launch counts for the farm, its provider, its image and its target', async () => {
  const lines = await linesOf(({ nodes }) => {
    nodes.launchEnded(NODE, { image: 'trusty', outcome: 'ready', ms: 12.4 });
  });

  expect(lines).toEqual(
    paired(
      12,
      'nodepool.launch.ready',
      'nodepool.launch.provider.rax-ord.ready',
      'nodepool.launch.image.trusty.ready',
      'nodepool.launch.target.jenkins01.ready',
    ),
  );
});

test('a launch in a known zone counts there too, and one with a manager for that instead of its target', async () => {
  const node = { ...NODE, az: 'az1', manager: 'zl01' };

  const lines = await linesOf(({ nodes }) => {
    nodes.launchEnded(node, { image: 'trusty', outcome: 'error.ssh', ms: 7 });
  });

  expect(lines).toEqual(
    paired(
      7,
      'nodepool.launch.error.ssh',
      'nodepool.launch.provider.rax-ord.error.ssh',
      'nodepool.launch.image.trusty.error.ssh',
      'nodepool.launch.provider.rax-ord.az1.error.ssh',
      'nodepool.launch.manager.zl01.error.ssh',
    ),
  );
});

test('a deletion counts by image, provider and target; the image of a label that is gone is None', async () => {
  const lines = await linesOf(({ nodes }) => {
    nodes.nodeDeleted(NODE, { image: 'trusty', ms: 1 });
    nodes.nodeDeleted(NODE, { image: undefined, ms: 2 });
  });

  expect(lines).toEqual([
    ...paired(1, 'nodepool.delete.trusty.rax-ord.jenkins01'),
    ...paired(2, 'nodepool.delete.None.rax-ord.jenkins01'),
  ]);
});

test('a job has a timing and a counter of different names, at four depths', async () => {
  const lines = await linesOf(({ nodes }) => {
    nodes.jobSucceeded(NODE, { name: 'gate', branch: 'master', ms: 9 });
  });

  expect(lines).toEqual([
    'nodepool.job.gate.runtime:9|ms',
    'nodepool.job.gate.builds:1|c',
    'nodepool.job.gate.master.runtime:9|ms',
    'nodepool.job.gate.master.builds:1|c',
    'nodepool.job.gate.master.devstack.runtime:9|ms',
    'nodepool.job.gate.master.devstack.builds:1|c',
    'nodepool.job.gate.master.devstack.rax-ord.runtime:9|ms',
    'nodepool.job.gate.master.devstack.rax-ord.builds:1|c',
  ]);
});

test('a job without a branch counts under unknown_branch', async () => {
  const lines = await linesOf(({ nodes }) => {
    nodes.jobSucceeded(NODE, { name: 'gate', branch: undefined, ms: 9 });
  });

  expect(lines).toContain('nodepool.job.gate.unknown_branch.builds:1|c');
});

test('images and calls of clouds and Jenkins have their keys', async () => {
  const lines = await linesOf(({ nodes, calls }) => {
    nodes.imageUpdated({ provider: 'rax-ord', image: 'trusty', ms: 3 });
    calls.onCloudCall('rax-ord', 'ServerCreate', 4);
    calls.onJenkinsCall('jenkins01', 'CreateNodeTask', 5);
  });

  expect(lines).toEqual([
    ...paired(3, 'nodepool.image_update.trusty.rax-ord'),
    ...paired(4, 'nodepool.task.rax-ord.ServerCreate'),
    ...paired(5, 'nodepool.task.jenkins01.CreateNodeTask'),
  ]);
});

test('names stand in keys as they are, which is upstream’s way, but a newline cannot begin another line', async () => {
  const lines = await linesOf(({ calls }) => {
    calls.onCloudCall('my.cloud:1\nevil', 'ServerList', 1);
  });

  expect(lines).toEqual(paired(1, 'nodepool.task.my.cloud:1_evil.ServerList'));
});

test('STATSD_CLEAN_NAMES makes each name one part of its key', async () => {
  const lines = await linesOf(
    ({ nodes, calls, sendGauges }) => {
      calls.onCloudCall('my.cloud:1', 'ServerList', 1);
      nodes.jobSucceeded(NODE, { name: 'a job', branch: 'stable/x|y@z', ms: 9 });
      sendGauges([], { labels: [], providers: [{ name: 'my.cloud', maxServers: 3 }], targets: [] });
    },
    { STATSD_CLEAN_NAMES: '1' },
  );

  expect(lines).toContain('nodepool.task.my_cloud_1.ServerList:1|ms');
  expect(lines).toContain('nodepool.job.a_job.stable_x_y_z.builds:1|c');
  expect(lines).toContain('nodepool.provider.my_cloud.max_servers:3|g');
});

test('a gauge whose label is gone is sent as zero once, since statsd keeps the last value for ever', async () => {
  const config = { labels: [{ name: 'l', subnodes: 0 }], providers: [], targets: [] };
  const count = { provider: 'p', label: 'l', target: 't', state: 'ready', count: 2, subnodes: 0 } as const;

  const lines = await linesOf(({ sendGauges }) => {
    sendGauges([count], config);
    sendGauges([], { ...config, labels: [] });
    sendGauges([], { ...config, labels: [] });
  });

  expect(lines.filter((line) => line.startsWith('nodepool.label.l.nodes.ready'))).toEqual([
    'nodepool.label.l.nodes.ready:2|g',
    'nodepool.label.l.nodes.ready:0|g',
  ]);
});

test.each([{}, { STATSD_HOST: '', STATSD_PORT: '' }])(
  'without a host and a port nothing is sent: %j',
  (environment) => {
    const refusing = { clock: new FakeClock(), log, resolve: () => Promise.reject(new Error('Asked for a host')) };
    const metrics = openMetrics(environment, refusing);

    expect(() => {
      metrics.calls.onCloudCall('p', 'ServerList', 1);
      metrics.sendGauges([], { labels: [], providers: [], targets: [] });
    }).not.toThrow();
    expect(log.entries).toEqual([]);
  },
);

test('a port alone means localhost', async () => {
  await using statsd = await StatsdListener.open();
  const asked: string[] = [];
  const resolve = (host: string): Promise<string> => {
    asked.push(host);
    return Promise.resolve('127.0.0.1');
  };

  const metrics = openMetrics({ STATSD_PORT: statsd.port }, { clock: new FakeClock(), log, resolve });
  metrics.calls.onCloudCall('p', 'ServerList', 1);

  expect(await statsd.until(2)).toHaveLength(2);
  expect(asked).toEqual(['localhost']);
});

test.each(['0', '65536', '-1', 'x', '81 25'])('port "%s" is none, which is said, and the usual one is used', (port) => {
  const own = new RecordingLogger();

  openMetrics({ STATSD_PORT: port }, { clock: new FakeClock(), log: own });

  expect(own.messages('warn')).toEqual([`STATSD_PORT "${port}" is no port, using 8125`]);
});

test('a build counts with its time, and each of its files is a gauge', async () => {
  const lines = await linesOf(({ diskImages }) => {
    diskImages.diskImageBuilt({ diskimage: 'trusty', ms: 8.7, bytesOnDisk: new Map([['qcow2', 4096]]) });
  });

  expect(lines).toEqual([
    ...paired(9, 'nodepool.dib_image_build.trusty'),
    'nodepool.dib_image_build.trusty.qcow2.size:4096|g',
  ]);
});
