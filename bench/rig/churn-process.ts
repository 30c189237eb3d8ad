/** Zuul, gearmand and several Jenkins in one process that costs little: jobs that come, run and end. Ready when all listen. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { XPublisher } from 'zeromq';
import { buildEvent } from './build-event.ts';
import { ChurnJenkins } from './churn-jenkins.ts';
import { ChurnQueue, type JobLength } from './churn-queue.ts';
import { optionsFromParent, serveParent } from './serve-parent.ts';

export type ChurnOptions = {
  readonly targets: number;
  readonly length: JobLength;
  /** Label → jobs of it that wait or run at any time. */
  readonly jobs: Readonly<Record<string, number>>;
};

export type ChurnAddresses = {
  readonly jenkinsUrls: readonly string[];
  readonly zmqEndpoint: string;
  readonly gearmanPort: number;
};

const options = optionsFromParent() as ChurnOptions; // the parent is our own program
const publisher = new XPublisher({ linger: 0, sendHighWaterMark: 200_000 });
await publisher.bind('tcp://127.0.0.1:*');
const outbox: string[] = [];
let isSending = false;
let builds = 0;
const queue = new ChurnQueue({
  length: options.length,
  publish: (topic, nodename) => {
    builds += 1;
    outbox.push(buildEvent(topic, nodename, builds));
    void sendAll();
  },
});
const managers = await Promise.all(
  Array.from({ length: options.targets }, () =>
    ChurnJenkins.start((agent, jenkins) => {
      queue.offer(agent, jenkins);
    }),
  ),
);

serveParent(
  {
    jenkinsUrls: managers.map(({ url }) => url),
    zmqEndpoint: publisher.lastEndpoint ?? '',
    gearmanPort: await startGearmand(),
  } satisfies ChurnAddresses,
  {
    untilSubscribed: () => publisher.receive().then(() => undefined),
    begin: () => {
      for (const [label, count] of Object.entries(options.jobs)) queue.begin(label, count);
    },
    forget: () => {
      queue.forget();
    },
    record: () => queue.record,
  },
);

/** One message at a time: the socket takes no more. */
async function sendAll(): Promise<void> {
  if (isSending) return;
  isSending = true;
  for (let text = outbox.shift(); text !== undefined; text = outbox.shift()) await publisher.send(text);
  isSending = false;
}

/** As much of it as the daemon asks: the queue's status. */
async function startGearmand(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the daemon went away
    socket.on('data', () => socket.write(queue.status));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // TCP: never a string
}
