import { afterEach, expect, test } from 'vitest';
import { type JobEvents, type JobEventsDeps } from '../../src/events/zmq-job-events.ts';
import { openJobEvents } from '../../src/events/open-job-events.ts';
import type { JobEvent } from '../../src/node/job-event.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { recordedFrames } from './recorded-frames.ts';
import { startPublisher } from './zmq-publisher.ts';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function aPublisher(endpoint?: string): ReturnType<typeof startPublisher> {
  const publisher = await startPublisher(endpoint);
  opened.push(publisher.socket);
  return publisher;
}

class NoticingLogger extends RecordingLogger {
  readonly #notice: () => void;

  constructor(notice: () => void) {
    super();
    this.#notice = notice;
  }

  override child(): this {
    return this;
  }

  override info(message: string): void {
    super.info(message);
    this.#notice();
  }
}

/** Takes what our adapter delivers, and lets a test wait for it. */
class Listener {
  readonly events: JobEvent[] = [];
  readonly resyncs: string[] = [];
  readonly log = new NoticingLogger(() => {
    this.#look();
  });
  readonly #watchers = new Set<() => void>();

  deps(changes: Partial<JobEventsDeps> = {}): JobEventsDeps {
    return {
      onEvents: (events) => {
        this.events.push(...events);
        this.#look();
      },
      onResync: (reason) => {
        this.resyncs.push(reason);
        this.#look();
      },
      clock: new FakeClock(),
      log: this.log,
      ...changes,
    };
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function open(publishers: readonly string[], deps: JobEventsDeps, signal = neverAborted): JobEvents {
  const events = openJobEvents(publishers, deps, signal);
  opened.push(events);
  return events;
}

const start = (nodename: string): string => `onStarted {"name":"j","build":{"node_name":"${nodename}"}}`;

test('the whole recording arrives in order', async () => {
  const jenkins = await aPublisher();
  const listener = new Listener();
  const events = open([jenkins.endpoint], listener.deps());
  await jenkins.subscribed();

  await jenkins.send(...recordedFrames());
  await listener.until(() => listener.events.length === 37);

  expect(events.counts()).toEqual({ messages: 62, bad: 0, overflowed: 0 });
  expect(listener.events[0]).toMatchObject({ topic: 'onStarted', nodename: 'centos6-1' });
  expect(listener.log.messages('warn')).toEqual([]);
});

test('bad messages are counted and stop nothing', async () => {
  const jenkins = await aPublisher();
  const listener = new Listener();
  const events = open([jenkins.endpoint], listener.deps());
  await jenkins.subscribed();

  await jenkins.send('nonsense', 'onStarted {');
  await jenkins.socket.send(['onStarted', '{}']);
  await jenkins.send('onDeleted {}', 'onDeleted {}', start('n1'));
  await listener.until(() => listener.events.length === 1);

  expect(events.counts()).toMatchObject({ messages: 6, bad: 3 });
  expect(listener.log.messages('warn')).toEqual([
    `Dropped a message of publisher ${jenkins.endpoint}: it has no topic`,
  ]);
  expect(listener.log.messages('info')).toEqual(['Ignoring events of topic "onDeleted"']);
});

test('a burst of 3000 arrives whole, and in order of its publisher', async () => {
  const jenkins = await aPublisher();
  const listener = new Listener();
  open([jenkins.endpoint], listener.deps());
  await jenkins.subscribed();

  await jenkins.send(...Array.from({ length: 3000 }, (_, n) => start(`n${n}`)));
  await listener.until(() => listener.events.length === 3000);

  expect(listener.events.map((event) => event.nodename)).toEqual(Array.from({ length: 3000 }, (_, n) => `n${n}`));
});

test('two publishers of two managers are heard, each name once', async () => {
  const [a, b] = [await aPublisher(), await aPublisher()];
  const listener = new Listener();
  open([a.endpoint, b.endpoint, a.endpoint], listener.deps());
  await Promise.all([a.subscribed(), b.subscribed()]);

  await a.send(start('a1'));
  await b.send(start('b1'));
  await listener.until(() => listener.events.length === 2);

  expect(listener.events.map((event) => event.nodename).sort()).toEqual(['a1', 'b1']);
});

test('a publisher that starts late asks for a look at Jenkins: what it sent before is lost', async () => {
  const first = await aPublisher();
  const { endpoint } = first;
  first.socket.close();
  const listener = new Listener();
  open([endpoint], listener.deps());

  const late = await aPublisher(endpoint);
  await late.subscribed();
  await late.send(start('n1'));
  await listener.until(() => listener.events.length === 1 && listener.resyncs.length > 0);

  expect(listener.resyncs[0]).toBe(`Connected to publisher ${endpoint}`);
  expect(listener.log.messages('warn')).toEqual([]);
});

test('one connection is told once, and asks for a look again when our subscription is heard', async () => {
  const publisher = await aPublisher();
  const listener = new Listener();
  open([publisher.endpoint], listener.deps());

  await listener.until(() => listener.resyncs.length === 2);

  const { endpoint } = publisher;
  expect(listener.log.messages('debug')).toEqual([`Connected to publisher ${endpoint}`]);
  expect(listener.resyncs).toEqual([`Connected to publisher ${endpoint}`, `Subscribed to publisher ${endpoint}`]);
});

test('a publisher that comes back after a restart is heard again, and asks for a look', async () => {
  const first = await aPublisher();
  const listener = new Listener();
  open([first.endpoint], listener.deps());
  await first.subscribed();
  await listener.until(() => listener.resyncs.length > 0);
  const before = listener.resyncs.length;

  first.socket.close();
  const second = await aPublisher(first.endpoint);
  await second.subscribed();
  await second.send(start('n1'));
  await listener.until(() => listener.events.length === 1 && listener.resyncs.length > before);

  expect(listener.events).toHaveLength(1);
});

test('publishers change on reload without losing those that stay', async () => {
  const [stays, goes, comes] = [await aPublisher(), await aPublisher(), await aPublisher()];
  const listener = new Listener();
  const events = open([stays.endpoint, goes.endpoint], listener.deps());
  await Promise.all([stays.subscribed(), goes.subscribed()]);

  const unsubscribed = goes.subscribed();
  events.setPublishers([stays.endpoint, comes.endpoint]);
  await Promise.all([comes.subscribed(), unsubscribed]);
  await stays.send(start('s1'));
  await comes.send(start('c1'));
  await listener.until(() => listener.events.length === 2);

  expect(listener.events.map((event) => event.nodename).sort()).toEqual(['c1', 's1']);
});

test('a name that is no endpoint is told and left out', async () => {
  const jenkins = await aPublisher();
  const listener = new Listener();
  open(['jenkins:8888', jenkins.endpoint], listener.deps());
  await jenkins.subscribed();

  expect(listener.log.messages('error')).toEqual(['Cannot listen to publisher "jenkins:8888"']);
});

test('a consumer slower than the events loses the oldest, is told once and asked to look at Jenkins', async () => {
  const jenkins = await aPublisher();
  const listener = new Listener();
  const release = new AbortController();
  const released = new Promise<void>((resolve) => {
    release.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  const slow = listener.deps();
  const events = open([jenkins.endpoint], {
    ...slow,
    onEvents: async (batch, signal) => {
      await released;
      await slow.onEvents(batch, signal);
    },
  });
  await jenkins.subscribed();

  await jenkins.send(...Array.from({ length: 25_000 }, (_, n) => start(`n${n}`)));
  await jenkins.send('onDeleted {}');
  await listener.until(() => listener.log.messages('info').includes('Ignoring events of topic "onDeleted"'));
  release.abort();
  await listener.until(() => listener.events.at(-1)?.nodename === 'n24999');

  const { overflowed } = events.counts();
  expect(overflowed).toBeGreaterThanOrEqual(4_000);
  expect(listener.events).toHaveLength(25_000 - overflowed);
  expect(listener.resyncs).toContain('Build events were dropped');
  expect(listener.log.messages('warn')).toHaveLength(1);
});

test('a consumer that fails loses those events only, and a look at Jenkins makes it good', async () => {
  const jenkins = await aPublisher();
  const listener = new Listener();
  const deps = listener.deps();
  let failed = false;
  open([jenkins.endpoint], {
    ...deps,
    onEvents: async (batch, signal) => {
      if (!failed) {
        failed = true;
        throw new Error('The database is away');
      }
      await deps.onEvents(batch, signal);
    },
  });
  await jenkins.subscribed();

  await jenkins.send(start('n1'));
  await listener.until(() => listener.resyncs.includes('Build events could not be handled'));
  await jenkins.send(start('n2'));
  await listener.until(() => listener.events.length === 1);

  expect(listener.events[0]?.nodename).toBe('n2');
  expect(listener.log.messages('error')).toEqual(['Could not handle 1 build events']);
});

test('an aborted signal closes the sockets, and closing again does no harm', async () => {
  const jenkins = await aPublisher();
  const listener = new Listener();
  const stop = new AbortController();
  const events = open([jenkins.endpoint], listener.deps(), stop.signal);
  await jenkins.subscribed();

  const unsubscribed = jenkins.subscribed();
  stop.abort(new Error('Shutting down'));
  await events.close();

  await expect(unsubscribed).resolves.toBeDefined();
  events.setPublishers([jenkins.endpoint]);
  expect(listener.events).toEqual([]);
});
