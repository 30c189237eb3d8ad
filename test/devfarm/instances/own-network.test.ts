import { readlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InstanceHost } from '../../../devfarm/instances/instance-host.ts';
import { chooseFarmNetwork, ownPrefix } from '../../../devfarm/instances/own-network.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { OPEN_HOST_MS, openInstanceHost } from '../../peers/instance-host.ts';
import { HostProgram, KillableHost } from './killable-host.ts';

const SCRIPT = fileURLToPath(new URL('../../../scripts/in-own-network', import.meta.url));

let program: HostProgram;
let host: InstanceHost;
let everywhere: Server;
let takenPort: number;

beforeAll(async () => {
  program = await HostProgram.bundle();
  host = await openInstanceHost();
  everywhere = createServer();
  takenPort = await listenEverywhere(everywhere);
}, OPEN_HOST_MS);
afterAll(async () => {
  everywhere.close();
  await host.destroyAll();
  await program[Symbol.asyncDispose]();
}, 30_000);

test(
  'a listener at every address takes the port from all instances: one line says who it is',
  { timeout: 30_000 },
  async () => {
    const crowded = await openInstanceHost({ port: takenPort });
    const instance = await crowded.create({ image: 'base', name: 'x', authorizedKeys: [] });

    const message = await crowded.start(instance.id).catch((error: unknown) => String(error));

    expect(message).toContain(
      `Cannot use port ${takenPort} for instances: node (pid ${process.pid}) listens on it at every address (0.0.0.0)`,
    );
    expect(message).not.toContain('\n');
    await crowded.destroyAll();
  },
);

test('the network is chosen once: plain where the port is free, a fresh one where it is taken', async () => {
  const stateDir = '/nonexistent';

  expect(await chooseFarmNetwork({ stateDir, port: await freePort() })).toEqual({ kind: 'host', prefix: [] });
  expect(await chooseFarmNetwork({ stateDir, port: takenPort })).toEqual({ kind: 'own', prefix: ownPrefix() });
});

test(
  'a farm in a network of its own has the taken port, and a later one joins it there',
  { timeout: 60_000 },
  async () => {
    const { stateDir, network } = host;
    const words = program.command({ stateDir, network, port: takenPort });
    await host.close();
    const first = new KillableHost([...ownPrefix(), ...words]);
    await first.next();
    const { result: id } = await first.ask('boot', 'inside');
    await first.kill();

    const plain = await InstanceHost.open({ stateDir, network }, { log: new RecordingLogger() }).catch(String);
    const choice = await chooseFarmNetwork({ stateDir, port: takenPort });
    const second = new KillableHost([...choice.prefix, ...words]);
    const opened = await second.next();
    const { result: further } = await second.ask('boot', 'inside-too');
    const destroyed = await second.ask('destroy', '');
    await second.kill();
    host = await openInstanceHost();

    expect(id).toMatch(/^i-/);
    expect(plain).toContain('they run in another network namespace; start this with "nsenter --target');
    expect(choice.kind).toBe('join');
    expect(opened.port).toBe(takenPort);
    expect(further).toMatch(/^i-/);
    expect(destroyed).toEqual({ result: 'destroyed' });
  },
);

test('scripts/in-own-network gives a network with loopback up and nothing else', { timeout: 15_000 }, async () => {
  const { stdout } = await execa(SCRIPT, ['sh', '-c', 'readlink /proc/self/ns/net; ip -o address; exit 3'], {
    reject: false,
  });

  const [namespace, ...addresses] = stdout.split('\n');
  expect(namespace).not.toBe(await readlink('/proc/self/ns/net'));
  expect(addresses[0]).toContain('127.0.0.1/8');
  expect(addresses.filter((line) => !line.includes(' lo '))).toEqual([]);
});

test(
  'scripts/in-own-network passes the status on, and stays where it is if the port is free',
  { timeout: 15_000 },
  async () => {
    const where = ['sh', '-c', 'readlink /proc/self/ns/net; exit 3'];

    const free = await execa(SCRIPT, ['--if-port-taken', String(await freePort()), ...where], { reject: false });
    const taken = await execa(SCRIPT, ['--if-port-taken', String(takenPort), ...where], { reject: false });

    expect([free.exitCode, taken.exitCode]).toEqual([3, 3]);
    expect(free.stdout).toBe(await readlink('/proc/self/ns/net'));
    expect(taken.stdout).not.toBe(free.stdout);
    expect(taken.stderr).toContain(`port ${takenPort} is taken on this host`);
  },
);

async function listenEverywhere(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '0.0.0.0', resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenEverywhere(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
