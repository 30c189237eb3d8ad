import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { findWildcardListener, listListeners, parseListeners } from '../../../devfarm/instances/port-listeners.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const TAIL = '00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0';

test.each([
  ['00000000:0016', '0.0.0.0', 22],
  ['02004D7F:0016', '127.77.0.2', 22],
  ['00000000000000000000000000000000:0016', '::', 22],
  ['00000000000000000000000001000000:08AE', '00000000000000000000000001000000', 2222],
])('a listener at %s is read as %s port %i', (local, address, port) => {
  const table = `${HEAD}   0: ${local} 00000000:0000 0A ${TAIL}\n`;

  expect(parseListeners(table)).toEqual([{ address, port, inode: '4711' }]);
});

test('connections and broken lines are no listeners', () => {
  const table = `${HEAD}   0: 00000000:0016 0100007F:9999 01 ${TAIL}\n   1: nonsense\n`;

  expect(parseListeners(table)).toEqual([]);
});

test.each(['0.0.0.0', '::'])('a listener on %s is seen as one that takes the port everywhere', async (host) => {
  const server = createServer();
  const port = await listen(server, host);

  const found = await findWildcardListener(port);
  await close(server);

  expect(found).toMatchObject({ address: host, port });
});

test('a listener on one loopback address leaves the port to the others', async () => {
  const server = createServer();
  const port = await listen(server, '127.0.0.1');

  const wildcard = await findWildcardListener(port);
  const all = await listListeners(port);
  await close(server);

  expect(wildcard).toBeUndefined();
  expect(all).toMatchObject([{ address: '127.0.0.1', port }]);
});

async function listen(server: ReturnType<typeof createServer>, host: string): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function close(server: ReturnType<typeof createServer>): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}
