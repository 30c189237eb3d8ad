import { expect, test } from 'vitest';
import { StatsdSocket } from '../../src/metrics/statsd-socket.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { StatsdListener } from './statsd-listener.ts';

/** A name server in the test's hands. */
class Names {
  readonly asked: string[] = [];
  readonly #open: { readonly answer: (ip: string) => void; readonly refuse: (error: Error) => void }[] = [];

  readonly resolve = (host: string): Promise<string> => {
    this.asked.push(host);
    return new Promise((answer, refuse) => {
      this.#open.push({ answer, refuse });
    });
  };

  async know(ip: string): Promise<void> {
    for (const { answer } of this.#open.splice(0)) answer(ip);
    await turns();
  }

  async refuse(): Promise<void> {
    for (const { refuse } of this.#open.splice(0)) refuse(new Error('getaddrinfo ENOTFOUND statsd'));
    await turns();
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test('what is sent before the host’s address is known arrives once it is, in its order', async () => {
  await using statsd = await StatsdListener.open();
  const names = new Names();
  const deps = { clock: new FakeClock(), log: new RecordingLogger(), resolve: names.resolve };
  const socket = new StatsdSocket({ host: 'statsd', port: Number(statsd.port) }, deps);

  socket.gauge('a', 1);
  socket.gauge('b', 2);
  await names.know('127.0.0.1');
  socket.gauge('c', 3);

  expect(await statsd.until(3)).toEqual(['a:1|g', 'b:2|g', 'c:3|g']);
  expect(names.asked).toEqual(['statsd']);
});

test('an unknown host is said once and asked for once a minute, however much there is to send', async () => {
  const names = new Names();
  const deps = { clock: new FakeClock(), log: new RecordingLogger(), resolve: names.resolve };
  const socket = new StatsdSocket({ host: 'statsd', port: 8125 }, deps);

  for (let minute = 0; minute < 3; minute += 1) {
    for (let count = 0; count < 500; count += 1) socket.increment('x');
    await names.refuse();
    for (let count = 0; count < 500; count += 1) socket.increment('x');
    await deps.clock.advance(60_000);
  }

  expect(names.asked).toHaveLength(3);
  expect(deps.log.messages('warn')).toEqual(['Cannot send to statsd']);
});

test('a host that is slow to resolve does not make lines pile up', async () => {
  await using statsd = await StatsdListener.open();
  const names = new Names();
  const deps = { clock: new FakeClock(), log: new RecordingLogger(), resolve: names.resolve };
  const socket = new StatsdSocket({ host: 'statsd', port: Number(statsd.port) }, deps);

  for (let value = 1; value <= 500; value += 1) socket.gauge('x', value);
  await names.know('127.0.0.1');
  await statsd.until(1);
  socket.gauge('end', 1);

  const last = await untilLine(statsd, 'end:1|g');
  expect(last.length).toBe(201);
  expect(last[0]).toBe('x:1|g');
  expect(last).not.toContain('x:201|g');
});

test('nobody listens there: nothing is thrown and nothing said', async () => {
  const closed = await StatsdListener.open();
  const { port } = closed;
  await closed[Symbol.asyncDispose]();
  const log = new RecordingLogger();
  const socket = new StatsdSocket({ host: '127.0.0.1', port: Number(port) }, { clock: new FakeClock(), log });

  for (let count = 0; count < 100; count += 1) socket.increment('x');
  await using other = await StatsdListener.open();
  new StatsdSocket({ host: '127.0.0.1', port: Number(other.port) }, { clock: new FakeClock(), log }).increment('y');
  await other.until(1); // what was sent before has been sent

  expect(log.entries).toEqual([]);
});

test('an IPv6 address is used as it is', async () => {
  await using statsd = await StatsdListener.open('::1');
  const deps = { clock: new FakeClock(), log: new RecordingLogger() };

  new StatsdSocket({ host: '::1', port: Number(statsd.port) }, deps).timing('x', 1.6);

  expect(await statsd.until(2)).toEqual(['x:2|ms', 'x:1|c']);
});

test('a line that is too long for a datagram is dropped and said once', async () => {
  await using statsd = await StatsdListener.open();
  const log = new RecordingLogger();
  const socket = new StatsdSocket({ host: '127.0.0.1', port: Number(statsd.port) }, { clock: new FakeClock(), log });

  socket.increment('x'.repeat(100_000));
  socket.increment('x'.repeat(100_000));
  socket.increment('y');

  expect(await statsd.until(1)).toEqual(['y:1|c']);
  expect(log.messages('warn')).toEqual(['Cannot send to statsd']);
});

async function untilLine(statsd: StatsdListener, line: string): Promise<readonly string[]> {
  for (let count = 1; ; count = statsd.lines.length + 1) {
    const lines = await statsd.until(count);
    if (lines.includes(line)) return lines;
  }
}
