import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultMode, FaultyProxy } from '../../faults/faulty-proxy.ts';

/** Answers each piece with `you said: `, and that. */
const echo = createServer((socket) => {
  socket.on('error', () => undefined); // the proxy breaks it
  socket.on('data', (bytes) => socket.write(`you said: ${bytes.toString()}`));
});
let proxy: FaultyProxy;

beforeEach(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as AddressInfo;
  proxy = await FaultyProxy.start({ target: () => ({ host: '127.0.0.1', port }) });
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  echo.close();
});

/** What came until the connection ended, or until the whole answer was there. */
async function ask(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('error', (error) => (heard += error.message));
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1');
      if (heard.endsWith('hello')) resolve();
    });
    socket.on('close', () => {
      resolve();
    });
  });
  socket.write('hello');
  await answered;
  socket.destroy();
  return heard;
}

function dial(): Socket {
  return connect({ host: '127.0.0.1', port: proxy.port });
}

test.each<[FaultMode | undefined, RegExp]>([
  [undefined, /^you said: hello$/],
  ['refused', /^connect ECONNREFUSED/],
  ['garbage', /garbage/],
  ['5xx', /^HTTP\/1\.1 503 /],
  ['cut', /^you sai$/],
])('%s', async (mode, heard) => {
  await proxy.fail(mode);

  expect(await ask(dial())).toMatch(heard);
});

test('what hangs takes connections and says nothing; when the fault is over, they break and new ones work', async () => {
  await proxy.fail('hang');
  const hung = dial();
  await once(hung, 'connect');
  const heard = ask(hung);

  await proxy.fail(undefined);

  expect(await heard).not.toContain('said');
  expect(await ask(dial())).toBe('you said: hello');
});

test('connections that stand break when a fault begins, as those to a peer that dies', async () => {
  const standing = dial();
  await once(standing, 'connect');
  standing.write('first');
  await once(standing, 'data');

  await Promise.all([once(standing, 'close'), proxy.fail('refused')]);

  expect(standing.destroyed).toBe(true);
});
