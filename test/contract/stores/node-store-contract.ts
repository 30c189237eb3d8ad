import { describe, expect, test } from 'vitest';
import type { HistoryStore } from '../../../src/node/history-store.ts';
import type { NodeStore } from '../../../src/node/node-store.ts';
import type { NewNode, Node, NodeFacts } from '../../../src/node/node.ts';
import { definedOnly } from '../../../src/runtime/defined-only.ts';
import type { FakeClock } from '../../fakes/fake-clock.ts';

export type NodeStoreWorld = {
  readonly nodes: NodeStore;
  readonly history: HistoryStore;
  readonly clock: FakeClock;
  /** Adds subnode rows to a node. */
  readonly addSubnodes: (nodeId: number, count: number) => Promise<void>;
};

const cause = { who: 'allocator', why: 'Demand' };
const small: NewNode = { provider: 'east', label: 'small', target: 'ci' };

/** What every NodeStore promises. `makeWorld` gives an empty one. */
export function describeNodeStore(name: string, makeWorld: () => Promise<NodeStoreWorld>): void {
  const insertOne = async (nodes: NodeStore): Promise<Node> => {
    const [node] = await nodes.insert([small], cause);
    if (node === undefined) throw new Error('Nothing inserted');
    return node;
  };

  describe(`${name}: rows`, () => {
    test('inserts many rows at once, in the order given, in state building', async () => {
      const { nodes, clock } = await makeWorld();

      const inserted = await nodes.insert([small, { ...small, label: 'large' }, small], cause);

      expect(inserted.map((node) => node.label)).toEqual(['small', 'large', 'small']);
      expect(new Set(inserted.map((node) => node.id)).size).toBe(3);
      expect(inserted[0]).toEqual({
        ...small,
        id: inserted[0]?.id,
        version: 1,
        state: 'building',
        stateChangedAt: clock.now(),
      });
      expect(await nodes.insert([], cause)).toEqual([]);
    });

    test('lists by provider, label and id, capitals first, as upstream does', async () => {
      const { nodes } = await makeWorld();
      await nodes.insert(
        [{ ...small, provider: 'west' }, { ...small, label: 'tiny' }, { ...small, provider: 'West' }, small, small],
        cause,
      );

      const listed = await nodes.list();

      expect(listed.map((node) => [node.provider, node.label])).toEqual([
        ['West', 'small'],
        ['east', 'small'],
        ['east', 'small'],
        ['east', 'tiny'],
        ['west', 'small'],
      ]);
      expect(listed[1]?.id).toBeLessThan(listed[2]?.id ?? 0);
    });

    test('filters by state, provider and target, all of them together', async () => {
      const { nodes } = await makeWorld();
      const [kept, other] = await nodes.insert([small, { ...small, target: 'elsewhere' }], cause);
      if (kept === undefined || other === undefined) throw new Error('Nothing inserted');
      await nodes.apply(kept, 'launched', cause);

      expect((await nodes.list({ states: ['ready', 'used'] })).map((n) => n.id)).toEqual([kept.id]);
      expect((await nodes.list({ states: ['building'], target: 'ci' })).map((n) => n.id)).toEqual([]);
      expect((await nodes.list({ provider: 'east', target: 'elsewhere' })).map((n) => n.id)).toEqual([other.id]);
      expect(await nodes.list({ provider: 'nowhere' })).toEqual([]);
      expect(await nodes.list({ states: [] })).toEqual([]);
    });

    test('finds by id and by nodename; of two rows with one nodename the newer, whose agent Jenkins has', async () => {
      const { nodes } = await makeWorld();
      const [old, young] = await nodes.insert([small, small], cause);
      if (old === undefined || young === undefined) throw new Error('Nothing inserted');
      await nodes.record(old.id, { nodename: 'small-1' });
      await nodes.record(young.id, { nodename: 'small-1' });

      expect((await nodes.findByNodename('small-1'))?.id).toBe(young.id);
      expect((await nodes.find(old.id))?.nodename).toBe('small-1');
      expect(await nodes.findByNodename('small-2')).toBeUndefined();
      expect(await nodes.find(young.id + 1)).toBeUndefined();
    });

    test('counts equal rows together, with their subnodes', async () => {
      const { nodes, addSubnodes } = await makeWorld();
      const [first, second] = await nodes.insert([small, small, { ...small, label: 'large' }], cause);
      await addSubnodes(first?.id ?? 0, 2);
      await addSubnodes(second?.id ?? 0, 1);

      const counts = await nodes.count();

      expect([...counts].sort((a, b) => b.count - a.count)).toEqual([
        { ...small, state: 'building', count: 2, subnodes: 3 },
        { ...small, label: 'large', state: 'building', count: 1, subnodes: 0 },
      ]);
    });

    test('counts nodes of smoke tests apart, and keeps which image they try', async () => {
      const { nodes } = await makeWorld();
      const [, tested] = await nodes.insert([small, { ...small, smokeImageId: 7 }, small], cause);

      expect(tested?.smokeImageId).toBe(7);
      expect(await nodes.find(tested?.id ?? 0)).toEqual(tested);
      expect((await nodes.list()).map(({ smokeImageId }) => smokeImageId)).toEqual([undefined, 7, undefined]);
      expect([...(await nodes.count())].sort((a, b) => b.count - a.count)).toEqual([
        { ...small, state: 'building', count: 2, subnodes: 0 },
        { ...small, state: 'building', count: 1, subnodes: 0, isSmokeTest: true },
      ]);
    });
  });

  describe(`${name}: changes`, () => {
    test('moves a node on by the lifecycle, with facts, version and time', async () => {
      const { nodes, clock } = await makeWorld();
      const node = await insertOne(nodes);
      await clock.advance(61_500);

      const ready = await nodes.apply(node, 'launched', cause, { ip: '192.0.2.7' });

      const stateChangedAt = new Date('2026-01-01T00:01:01Z');
      expect(ready).toEqual({ ...node, state: 'ready', stateChangedAt, ip: '192.0.2.7', version: node.version + 1 });
      expect(await nodes.find(node.id)).toEqual(ready);
    });

    test('refuses an event that does not apply, so that a late one cannot revive a node', async () => {
      const { nodes } = await makeWorld();
      const doomed = await nodes.apply(await insertOne(nodes), 'deleted', cause);
      if (doomed === undefined) throw new Error('Not deleted');

      expect(await nodes.apply(doomed, 'jobStarted', cause)).toBeUndefined();
      expect(await nodes.find(doomed.id)).toEqual(doomed);
    });

    test('of two changes of the same version exactly one wins', async () => {
      const { nodes, history } = await makeWorld();
      const node = await insertOne(nodes);

      const outcomes = await Promise.all([nodes.apply(node, 'held', cause), nodes.apply(node, 'deleted', cause)]);

      const winners = outcomes.filter((outcome) => outcome !== undefined);
      expect(winners).toHaveLength(1);
      expect(await nodes.find(node.id)).toEqual(winners[0]);
      expect(await history.list('node', node.id)).toHaveLength(2);
    });

    test('a recorded fact makes an apply of the older version miss, for the world was observed before it', async () => {
      const { nodes } = await makeWorld();
      const node = await insertOne(nodes);
      await nodes.record(node.id, { externalId: 'srv-1' });

      expect(await nodes.apply(node, 'launched', cause)).toBeUndefined();
    });

    test('records facts whatever the state is now, and gives the row as it is', async () => {
      const { nodes } = await makeWorld();
      const node = await insertOne(nodes);
      await nodes.apply(node, 'deleted', cause);

      const recorded = await nodes.record(node.id, { externalId: 'srv-1' });

      expect(recorded).toMatchObject({ state: 'delete', externalId: 'srv-1' });
      expect(await nodes.record(node.id, {})).toEqual(recorded);
      expect(await nodes.record(node.id + 1, { externalId: 'srv-2' })).toBeUndefined();
    });

    test('keeps every fact as it was given', async () => {
      const { nodes, clock } = await makeWorld();
      const node = await insertOne(nodes);
      const facts: Required<NodeFacts> = {
        ...{ manager: 'launcher-1', hostname: 'small-1.example.org', nodename: 'small-1', externalId: 'srv-1' },
        ...{ az: 'nova', ip: '2001:db8::1', privateIp: '10.0.0.1', comment: `It's "held"; 100 %\n${'é'.repeat(300)}` },
        ...{ step: 'wait-ssh', stepStartedAt: new Date('2026-01-02T03:04:05.678Z') },
        ...{ attempt: '0b0e5d5c-1111-4222-8333-444455556666', imageId: 12, hostKey: 'sha256:abc' },
        ...{ registeredAt: clock.now(), forced: true, deleteAfter: new Date('2026-01-02T03:05:05.678Z') },
      };

      const recorded = await nodes.record(node.id, facts);

      expect(recorded).toEqual({ ...node, ...definedOnly(facts), version: node.version + 1 });
      expect(await nodes.find(node.id)).toEqual(recorded);
    });

    test('removes the row with its subnodes and keeps its history', async () => {
      const { nodes, history, addSubnodes } = await makeWorld();
      const node = await insertOne(nodes);
      await addSubnodes(node.id, 2);

      await nodes.remove(node, { who: 'deleter', why: 'Gone' });
      await nodes.remove(node, { who: 'deleter', why: 'Gone' });

      expect(await nodes.find(node.id)).toBeUndefined();
      expect(await nodes.count()).toEqual([]);
      expect((await history.list('node', node.id)).map((entry) => entry.event)).toEqual(['inserted', 'removed']);
    });
  });
}
