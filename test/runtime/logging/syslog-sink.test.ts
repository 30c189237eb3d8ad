import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { parseSyslogArgs } from '../../../src/runtime/logging/syslog-address.ts';
import { SyslogSink } from '../../../src/runtime/logging/syslog-sink.ts';
import { aLogFolder } from './log-folder.ts';

const AT = new Date('2026-01-01T00:00:00Z');
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A syslog on loopback; `next` gives the datagram that comes next. */
async function aSyslog() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  closing.push(() => socket.close());
  await once(socket, 'listening');
  const next = async (): Promise<string> => String((await once(socket, 'message'))[0]);
  return { port: socket.address().port, next };
}

function aSink(settings: ConstructorParameters<typeof SyslogSink>[0]): SyslogSink {
  const sink = new SyslogSink(settings);
  closing.push(() => {
    sink.reopen();
  });
  return sink;
}

test.each([
  ['debug', 31],
  ['info', 30],
  ['warn', 28],
  ['error', 27],
] as const)(
  'a line at %s goes out as Python sends it, with facility and severity in front',
  async (level, priority) => {
    const { port, next } = await aSyslog();
    const sink = aSink({ address: { kind: 'udp', host: '127.0.0.1', port }, facility: 3 });

    sink.write('Node id: 1 is ready', AT, level);

    expect(await next()).toBe(`<${priority}>Node id: 1 is ready\0`);
  },
);

test('lines that come before the address is resolved go out in their order', async () => {
  const { port, next } = await aSyslog();
  const sink = aSink({ address: { kind: 'udp', host: 'localhost', port }, facility: 1 });

  sink.write('one', AT, 'info');
  sink.write('two', AT, 'info');

  expect(await next()).toBe('<14>one\0');
  expect(await next()).toBe('<14>two\0');
});

test('a syslog that nobody runs, and a name that nobody knows, lose the line and nothing else', () => {
  const sink = aSink({ address: { kind: 'udp', host: 'no-such-host.invalid', port: 1 }, facility: 1 });

  expect(() => {
    sink.write('one', AT, 'info');
    sink.reopen();
    sink.write('two', AT, 'info');
  }).not.toThrow();
});

test('a unix socket of this machine gets each line of a message with its priority', async () => {
  const path = aLogFolder().pathOf('log');
  // Node cannot listen for datagrams there; Python can.
  const script =
    'import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); ' +
    'print("bound", flush=True); print(s.recv(9000).decode(), flush=True); print(s.recv(9000).decode(), flush=True)';
  const listener = execFile('python3', ['-c', script, path]);
  closing.push(() => listener.kill('SIGKILL'));
  let said = '';
  listener.stdout?.on('data', (chunk: string) => (said += chunk));
  await once(listener.stdout ?? listener, 'data');
  const sink = aSink({ address: { kind: 'unix', path }, facility: 16 });

  sink.write('first\nsecond', AT, 'warn');
  await once(listener, 'close');

  expect(said.split('\n').slice(1, 3)).toEqual([
    expect.stringMatching(/^<132>.*nodepool: first$/),
    expect.stringMatching(/^<132>.*nodepool: second$/),
  ]);
  expect(existsSync(path)).toBe(true);
});

test('a socket that does not exist is refused when it is named', () => {
  expect(() => new SyslogSink({ address: { kind: 'unix', path: '/no/such/log' }, facility: 1 })).toThrow(
    'there is no socket "/no/such/log"',
  );
});

test.each([
  [[], { address: { kind: 'udp', host: 'localhost', port: 514 }, facility: 1 }],
  [[['logs.example', 5140]], { address: { kind: 'udp', host: 'logs.example', port: 5140 }, facility: 1 }],
  [
    [['logs.example', 'handlers.SYSLOG_UDP_PORT'], 'handlers.SysLogHandler.LOG_LOCAL3'],
    { address: { kind: 'udp', host: 'logs.example', port: 514 }, facility: 19 },
  ],
  [['/dev/log', 'daemon'], { address: { kind: 'unix', path: '/dev/log' }, facility: 3 }],
  [['/dev/log', 4, 'socket.SOCK_DGRAM'], { address: { kind: 'unix', path: '/dev/log' }, facility: 4 }],
])('args %j are understood as Python does', (args, settings) => {
  expect(parseSyslogArgs(args)).toEqual(settings);
});

test.each([
  [[7], 'args name no address of a syslog'],
  [[['logs.example', true]], 'args name no address of a syslog'],
  [['/dev/log', 'nobody'], 'args name no facility of a syslog: "nobody"'],
  [['/dev/log', 'user', 'socket.SOCK_STREAM'], 'syslog by TCP is not supported'],
])('args %j are refused', (args, reason) => {
  expect(() => parseSyslogArgs(args)).toThrow(reason);
});
