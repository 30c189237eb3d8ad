/** Jenkins' side of ZeroMQ: publishes build events as fast as it is told to. */
import { XPublisher } from 'zeromq';
import { systemClock } from '../../src/runtime/clock.ts';
import { type BuildTopic, buildEvent } from './build-event.ts';
import { serveParent } from './serve-parent.ts';
import { sharedNowMs } from './stopwatch.ts';

/** Which events to send, about which nodes. */
export type EventOrder = {
  readonly topics: readonly BuildTopic[];
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
    for (const topic of topics) await socket.send(buildEvent(topic, nodename, index));
  }
  return sent;
}
