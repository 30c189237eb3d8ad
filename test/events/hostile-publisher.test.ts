import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { openJobEvents } from '../../src/events/open-job-events.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { startPublisher } from './zmq-publisher.ts';

const LONG_LAST_FRAME = 0x02;
const NO_ZEROMQ = Buffer.from('\u0000\u00ff of no protocol at all \r\n\r\n', 'latin1');

test('a publisher that announces a message of a terabyte is left, and what it sends of it is not kept', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // it is cut off
    socket.write(greeting());
    socket.once('data', () => {
      socket.write(readyCommand());
      const size = Buffer.alloc(9);
      size.writeUInt8(LONG_LAST_FRAME);
      size.writeBigUInt64BE(2n ** 40n, 1);
      socket.write(size);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // TCP: never a string
  const left = withResolvers();
  const log = new NoticingLogger(left.resolve);
  const deps = { onEvents: () => undefined, onResync: () => undefined, clock: new FakeClock(), log };
  const events = openJobEvents([`tcp://127.0.0.1:${port}`], deps, neverAborted);

  await left.promise;

  expect(log.messages('info')).toContain(`Publisher tcp://127.0.0.1:${port} has closed the connection`);
  expect(events.counts()).toMatchObject({ messages: 0 });
  await events.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a publisher that once speaks no ZeroMQ, as behind a proxy in trouble, is heard again when it does', async () => {
  const publisher = await startPublisher();
  let isInTrouble = true;
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // it is cut off
    if (isInTrouble) {
      isInTrouble = false;
      socket.write(NO_ZEROMQ);
      return;
    }
    const behind = connect(Number(new URL(publisher.endpoint).port), '127.0.0.1');
    behind.on('error', () => undefined); // it is cut off
    socket.pipe(behind).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // TCP: never a string
  const heard = withResolvers();
  const left = withResolvers();
  const log = new NoticingLogger(left.resolve);
  const clock = new FakeClock();
  const onEvents = (): void => {
    heard.resolve(undefined);
  };
  const events = openJobEvents(
    [`tcp://127.0.0.1:${port}`],
    { onEvents, onResync: () => undefined, clock, log },
    neverAborted,
  );

  await left.promise;
  await clock.untilSleeping();
  await clock.advance(1_000);
  await publisher.subscribed();
  await publisher.send('onFinalized {"name":"gate","build":{"node_name":"node-1","status":"SUCCESS"}}');
  await heard.promise;

  expect(log.messages('warn')).toEqual([
    `Publisher tcp://127.0.0.1:${port} sent what is no ZeroMQ; it is connected to anew`,
  ]);
  await events.close();
  publisher.socket.close();
  server.close();
});

/** Tells of the first connection that ended. */
class NoticingLogger extends RecordingLogger {
  readonly #onLeft: (value: undefined) => void;

  constructor(onLeft: (value: undefined) => void, name?: string, entries?: RecordingLogger['entries']) {
    super(name, entries);
    this.#onLeft = onLeft;
  }

  override info(message: string): void {
    super.info(message);
    if (message.includes('has closed the connection')) this.#onLeft(undefined);
  }

  override child(name: string): NoticingLogger {
    return new NoticingLogger(this.#onLeft, `${this.name}.${name}`, this.entries);
  }
}

function withResolvers() {
  let resolve: (value: undefined) => void = () => undefined;
  const promise = new Promise<undefined>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

/** ZMTP 3.0: signature, version, mechanism NULL, as a server. */
function greeting(): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt8(0xff, 0);
  bytes.writeUInt8(0x7f, 9);
  bytes.writeUInt8(3, 10);
  bytes.write('NULL', 12);
  return bytes;
}

function readyCommand(): Buffer {
  const property = Buffer.concat([Buffer.from('\x0bSocket-Type'), Buffer.from([0, 0, 0, 3]), Buffer.from('PUB')]);
  const body = Buffer.concat([Buffer.from('\x05READY'), property]);
  return Buffer.concat([Buffer.from([0x04, body.length]), body]);
}
