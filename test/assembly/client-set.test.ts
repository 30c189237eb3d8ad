import { expect, test } from 'vitest';
import { ClientSet } from '../../src/assembly/client-set.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

type Section = { readonly name: string; readonly rate: number };

class Client {
  readonly section: Section;
  closed = 0;

  constructor(section: Section) {
    this.section = section;
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }
}

/** A set of providers; a section of rate 0 cannot be opened. */
function aSet(whatCounts?: (section: Section) => unknown): {
  readonly set: ClientSet<Section, Client>;
  readonly opened: Client[];
  readonly clock: FakeClock;
  readonly log: RecordingLogger;
} {
  const deps = { clock: new FakeClock(), log: new RecordingLogger() };
  const opened: Client[] = [];
  const open = (section: Section): Client => {
    if (section.rate === 0) throw new Error('No such profile');
    const client = new Client(section);
    opened.push(client);
    return client;
  };
  return { set: new ClientSet('provider', open, { ...deps, ...(whatCounts && { whatCounts }) }), opened, ...deps };
}

const a = { name: 'a', rate: 1 };
const b = { name: 'b', rate: 1 };

test('a client lives as long as its section stays the same', () => {
  const { set, opened } = aSet();

  set.use([a, b]);
  set.use([{ ...a }, { ...b }]);

  expect(opened).toHaveLength(2);
  expect(set.configured()).toEqual(opened);
});

test('a client whose section changed only in what does not count stays, with the new section', () => {
  const { set, opened } = aSet(({ name }) => name);

  set.use([a]);
  set.use([{ ...a, rate: 2 }]);

  expect(opened).toHaveLength(1);
  expect(set.find('a')?.section.rate).toBe(2);
});

test('a client whose section changed is replaced at once and closed a while later, for the work that still uses it', async () => {
  const { set, opened, clock } = aSet();
  set.use([a]);

  set.use([{ ...a, rate: 2 }]);

  expect(set.find('a')?.section.rate).toBe(2);
  expect(opened.map(({ closed }) => closed)).toEqual([0, 0]);
  await clock.advance(59_999);
  expect(opened[0]?.closed).toBe(0);
  await clock.advance(1);
  expect(opened.map(({ closed }) => closed)).toEqual([1, 0]);
});

test('a client whose section left the configuration is found until nothing uses it, but is not among the configured', async () => {
  const { set, opened, clock, log } = aSet();
  set.use([a, b]);

  set.use([b]);
  set.releaseUnused(new Set(['a']));

  expect(set.find('a')?.client).toBe(opened[0]);
  expect(set.configured()).toEqual([opened[1]]);
  expect(set.keepsRetired).toBe(true);

  set.releaseUnused(new Set(['b']));
  await clock.advance(60_000);

  expect(set.find('a')).toBeUndefined();
  expect(set.keepsRetired).toBe(false);
  expect(opened.map(({ closed }) => closed)).toEqual([1, 0]);
  expect(log.messages('info')).toEqual(['Nothing is left of provider a, which is no longer configured']);
});

test('a retired client outlives further reloads, and serves again when its section comes back', () => {
  const { set, opened } = aSet();
  set.use([a]);
  set.use([]);
  set.use([b]);
  expect(set.find('a')?.client).toBe(opened[0]);

  set.use([a, b]);

  expect(opened).toHaveLength(2);
  expect(set.keepsRetired).toBe(false);
  expect(set.configured().map(({ section }) => section.name)).toEqual(['a', 'b']);
});

test('a section that cannot be used does not take the others with it', () => {
  const { set, log } = aSet();

  set.use([{ ...a, rate: 0 }, b]);

  expect(set.find('a')).toBeUndefined();
  expect(set.find('b')).toBeDefined();
  expect(log.messages('error')).toEqual(['Cannot use provider a: No such profile']);
});

test('a change that cannot be used leaves the client that works', () => {
  const { set, opened } = aSet();
  set.use([a]);

  set.use([{ ...a, rate: 0 }]);

  expect(set.find('a')?.client).toBe(opened[0]);
  expect(opened[0]?.closed).toBe(0);
});

test('the end closes each client once: used, retired, and those that waited to be closed', async () => {
  const { set, opened } = aSet();
  set.use([a, b]);
  set.use([{ ...a, rate: 2 }]);

  await set[Symbol.asyncDispose]();

  expect(opened.map(({ section, closed }) => [section.name, section.rate, closed])).toEqual([
    ['a', 1, 1],
    ['b', 1, 1],
    ['a', 2, 1],
  ]);
});

test('a client that does not close is said and keeps nobody from ending', async () => {
  const { set, opened, log } = aSet();
  set.use([a]);
  const [client] = opened;
  if (client !== undefined) client.close = () => Promise.reject(new Error('Stuck'));

  await set[Symbol.asyncDispose]();

  expect(log.messages('warn')).toEqual(['Cannot close the client of a provider']);
});
