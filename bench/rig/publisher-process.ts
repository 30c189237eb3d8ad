/** Jenkins' side of ZeroMQ: publishes build events as fast as it is told to. */
import { XPublisher } from 'zeromq';
import { systemClock } from '../../src/runtime/clock.ts';
import { serveParent } from './serve-parent.ts';
import { sharedNowMs } from './stopwatch.ts';

/** Which events to send, about which nodes. */
export type EventOrder = {
  readonly topics: readonly ('onStarted' | 'onFinalized')[];
  readonly nodenames: readonly string[];
  /** Absent: as fast as possible. */
  readonly perSecond?: number;
};

/** When the events of each node were sent, in milliseconds of the shared clock. */
export type SentEvents = Readonly<Record<string, number>>;

const socket = new XPublisher({ linger: 0, sendHighWaterMark: 200_000 });
await socket.bind('tcp://127.0.0.1:*');

serveParent(socket.lastEndpoint, {
  untilSubscribed: () => socket.receive().then(() => undefined),
  send: (subject) => send(subject as EventOrder), // the parent is our own program
});

async function send({ topics, nodenames, perSecond }: EventOrder): Promise<SentEvents> {
  const startMs = sharedNowMs();
  const sent: Record<string, number> = {};
  for (const [index, nodename] of nodenames.entries()) {
    if (perSecond !== undefined) {
      const waitMs = startMs + (index * 1000) / perSecond - sharedNowMs();
      if (waitMs > 0) await systemClock.sleep(waitMs);
    }
    sent[nodename] = sharedNowMs();
    for (const topic of topics) await socket.send(frame(topic, nodename, index));
  }
  return sent;
}

/** As zmq-event-publisher writes it for a job that Zuul started. */
function frame(topic: EventOrder['topics'][number], nodename: string, number: number): string {
  const isEnd = topic === 'onFinalized';
  const url = `job/gate-example-python/${number}/`;
  const json = {
    name: 'gate-example-python',
    url: 'job/gate-example-python/',
    build: {
      full_url: `http://jenkins.example.org/${url}`,
      number,
      phase: isEnd ? 'FINISHED' : 'STARTED',
      ...(isEnd && { status: 'SUCCESS' }),
      url,
      parameters: {
        BASE_LOG_PATH: `12/345612/${number}/gate`,
        LOG_PATH: `12/345612/${number}/gate/gate-example-python/abcdef0`,
        OFFLINE_NODE_WHEN_COMPLETE: '1',
        ZUUL_BRANCH: 'master',
        ZUUL_CHANGE: '345612',
        ZUUL_CHANGES: 'example/project:master:refs/changes/12/345612/1',
        ZUUL_PIPELINE: 'gate',
        ZUUL_PROJECT: 'example/project',
        ZUUL_REF: 'refs/zuul/master/Zc7b1f0a5d2e84f1f9a0d3c5b7e9f1a2b',
        ZUUL_UUID: '4b1f0a5d2e84f1f9a0d3c5b7e9f1a2b3',
      },
      node_name: nodename,
      node_description: 'Dynamic single use bench node',
      host_name: '127.0.0.1',
    },
  };
  return `${topic} ${JSON.stringify(json)}`;
}
