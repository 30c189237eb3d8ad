import { afterEach, expect, test } from 'vitest';
import { Clients } from '../../src/assembly/clients.ts';
import type { Config } from '../../src/config/config.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { aProviderSection, aTargetSection, configOf } from '../builders/config-of.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const JENKINS = { url: 'http://127.0.0.1:1', 'credentials-id': 'x' };
const open: Clients[] = [];

function clientsOf(config: Config): Clients {
  const clock = new FakeClock();
  const clients = new Clients(config, {
    ...{ clock, randomness: new CountingRandomness(), log: new RecordingLogger(), tasks: new TaskBoard(clock) },
    onCloudCall: () => undefined,
    onJenkinsCall: () => undefined,
  });
  open.push(clients);
  return clients;
}

afterEach(async () => {
  for (const clients of open.splice(0)) await clients[Symbol.asyncDispose]();
});

const second = aProviderSection({ name: 'second' });

test('a reload adds the clients of new providers and targets, and keeps those that stayed', () => {
  const clients = clientsOf(configOf({ targets: [aTargetSection({ jenkins: JENKINS })] }));
  const before = clients.cloudOf('fake-provider');

  const targets = [aTargetSection({ jenkins: JENKINS }), aTargetSection({ name: 'jenkins2', jenkins: JENKINS })];
  clients.use(configOf({ providers: [aProviderSection(), second], targets }));

  expect(clients.cloudOf('fake-provider')).toBe(before);
  expect(clients.cloudOf('second')?.name).toBe('second');
  expect(clients.allAgents().map(({ target }) => target)).toEqual(['jenkins1', 'jenkins2']);
  expect(clients.config.providers).toHaveLength(2);
});

test('a provider that left the configuration keeps its client and its section while rows name it', () => {
  const clients = clientsOf(configOf({ providers: [aProviderSection(), second] }));
  const cloud = clients.cloudOf('second');
  clients.use(configOf());

  clients.releaseUnused({ providers: new Set(['second']), targets: new Set() });
  expect(clients.cloudOf('second')).toBe(cloud);
  expect(clients.providerSection('second')?.name).toBe('second');
  expect(clients.config.providers.map(({ name }) => name)).toEqual(['fake-provider']);

  clients.releaseUnused({ providers: new Set(), targets: new Set() });
  expect(clients.cloudOf('second')).toBeUndefined();
  expect(clients.keepsRetired).toBe(false);
});

test('a target that left the configuration keeps its agents while rows name it, and is polled no more', () => {
  const clients = clientsOf(configOf({ targets: [aTargetSection({ jenkins: JENKINS })] }));
  const agents = clients.agentsOf('jenkins1');
  clients.use(configOf({ targets: [aTargetSection({ name: 'jenkins2' })] }));

  expect(agents).toBeDefined();
  expect(clients.agentsOf('jenkins1')).toBe(agents);
  expect(clients.allAgents()).toEqual([]);
});

test('a target that works without Jenkins from now on has no agents', () => {
  const clients = clientsOf(configOf({ targets: [aTargetSection({ jenkins: JENKINS })] }));

  clients.use(configOf({ targets: [aTargetSection()] }));

  expect(clients.agentsOf('jenkins1')).toBeUndefined();
});
