import { networkInterfaces } from 'node:os';
import { connect } from 'node:net';
import { expect, inject, test } from 'vitest';
import { makeTestDatabase } from '../db/test-database.ts';
import { StandInBench } from './jenkins/stand-in-bench.ts';
import { EmulatorRig } from './openstack/emulator-rig.ts';

/** An address of this host that others reach; the emulator and the stand-in must not be there. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const settle = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', settle(true)).once('error', settle(false)).once('timeout', settle(false));
  });
}

async function reachableFrom(urls: readonly string[], host: string): Promise<readonly string[]> {
  const open = await Promise.all(urls.map((url) => isOpen(host, Number(new URL(url).port))));
  return urls.filter((_, index) => open[index]);
}

test(
  'the stand-in cloud and Jenkins are on loopback only unless told: they let in whoever asks',
  { timeout: 30_000 },
  async () => {
    await using cloud = await EmulatorRig.open();
    await using jenkins = await StandInBench.start();
    const urls = [...Object.values(cloud.emulator.origins), jenkins.url, jenkins.zmqEndpoint];

    expect(urls.map((url) => new URL(url).hostname)).toEqual(urls.map(() => '127.0.0.1'));
    expect(await reachableFrom(urls.slice(0, -1), '127.0.0.1')).toEqual(urls.slice(0, -1));
    if (outside !== undefined) expect(await reachableFrom(urls, outside)).toEqual([]);
  },
);

test('the database that Nodepool runs for itself listens on no network at all', async () => {
  await using database = await makeTestDatabase(inject('postgresHost'));

  const [settings] = await database.query<{ listen: string }>("select current_setting('listen_addresses') as listen");

  expect(settings?.listen).toBe('');
});
