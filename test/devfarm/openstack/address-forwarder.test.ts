import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { AddressForwarder } from '../../../devfarm/openstack/address-forwarder.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';

test('a machine answers at its floating address until that is taken away', async () => {
  const machine = createServer((socket) => socket.end('hello'));
  machine.listen({ host: '127.0.0.1', port: 0 });
  await once(machine, 'listening');
  const { port } = machine.address() as AddressInfo;
  const forwarder = new AddressForwarder({ log: new RecordingLogger() });
  await forwarder.open({ from: '127.0.0.2', to: '127.0.0.1', port });

  const client = connect({ host: '127.0.0.2', port });
  const [greeting] = (await once(client, 'data')) as [Buffer];
  await forwarder.closeAll();
  const refused = connect({ host: '127.0.0.2', port });
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  machine.close();

  expect([greeting.toString(), error.code]).toEqual(['hello', 'ECONNREFUSED']);
});

test('an address outside of loopback leads nowhere, and that is said', async () => {
  const log = new RecordingLogger();
  const forwarder = new AddressForwarder({ log });

  await forwarder.open({ from: '203.0.113.4', to: '127.0.0.1', port: 22 });

  expect(log.messages('info')).toEqual(['A floating address outside of 127/8 leads nowhere']);
});
