import { describe, expect, test } from 'vitest';
import type { NodeStoreWorld } from './node-store-contract.ts';

const cause = { who: 'allocator', why: 'Demand' };

/** What every HistoryStore promises, together with the node store that writes to it. */
export function describeHistory(name: string, makeWorld: () => Promise<NodeStoreWorld>): void {
  describe(`${name}: history`, () => {
    test('knows what removed rows were called outside, and nothing of rows that are there', async () => {
      const { nodes, history } = await makeWorld();
      const [node] = await nodes.insert([{ provider: 'east', label: 'small', target: 'ci' }], cause);
      if (node === undefined) throw new Error('Nothing inserted');
      await nodes.record(node.id, { nodename: 'small-1', externalId: 'srv-1' });
      const before = await history.wasRemoved('small-1');

      await nodes.remove(node, cause);

      expect(before).toBe(false);
      expect(await history.wasRemoved('small-1')).toBe(true);
      expect(await history.wasRemoved('srv-1')).toBe(true);
      expect(await history.wasRemoved('small')).toBe(false);
    });

    test('knows the names that a remark bears: servers that no row ever had', async () => {
      const { history } = await makeWorld();
      const note = { subject: 'node', subjectId: 7, event: 'reaped', why: 'There is no node 7', who: 'leaks' } as const;

      await history.note({ ...note, names: ['srv-7'] });

      expect(await history.wasRemoved('srv-7')).toBe(true);
      expect(await history.wasRemoved('srv-8')).toBe(false);
      expect(await history.list('node', 7)).toMatchObject([note]);
    });

    test('tells what changed, from what to what, why, who and when', async () => {
      const { nodes, history, clock } = await makeWorld();
      const [node] = await nodes.insert([{ provider: 'east', label: 'small', target: 'ci' }], cause);
      if (node === undefined) throw new Error('Nothing inserted');
      const insertedAt = clock.now();
      await clock.advance(5_250);

      await nodes.record(node.id, { step: 'wait-active', externalId: 'srv-1' });
      await nodes.apply((await nodes.find(node.id)) ?? node, 'launched', { who: 'launcher', why: 'SSH answers' });

      const at = clock.now();
      const of = { subject: 'node', subjectId: node.id };
      expect(await history.list('node', node.id)).toEqual([
        { ...of, at: insertedAt, event: 'inserted', to: 'building', ...cause },
        {
          ...of,
          at,
          event: 'recorded',
          why: expect.stringContaining('step') as string,
          who: expect.anything() as string,
        },
        { ...of, at, event: 'launched', from: 'building', to: 'ready', who: 'launcher', why: 'SSH answers' },
      ]);
    });

    test('writes nothing for a change that did not happen', async () => {
      const { nodes, history } = await makeWorld();
      const [node] = await nodes.insert([{ provider: 'east', label: 'small', target: 'ci' }], cause);
      if (node === undefined) throw new Error('Nothing inserted');

      await nodes.apply(node, 'jobFinished', cause);
      await nodes.apply({ ...node, version: 99 }, 'launched', cause);
      await nodes.record(node.id + 1, { ip: '192.0.2.1' });
      await nodes.record(node.id, {});

      expect((await history.list('node', node.id)).map((entry) => entry.event)).toEqual(['inserted']);
      expect(await history.list('node', node.id + 1)).toEqual([]);
    });

    test('keeps remarks apart by subject', async () => {
      const { history, clock } = await makeWorld();
      const note = {
        subject: 'image',
        subjectId: 7,
        event: 'failed',
        why: 'Setup script: no space',
        who: 'builder',
      } as const;

      await history.note(note);

      expect(await history.list('image', 7)).toEqual([{ ...note, at: clock.now() }]);
      expect(await history.list('node', 7)).toEqual([]);
    });

    test('prunes what is older than a date and counts it', async () => {
      const { history, clock } = await makeWorld();
      const note = { subject: 'provider', subjectId: 1, why: 'Quota', who: 'launcher' } as const;
      await history.note({ ...note, event: 'first' });
      await history.note({ ...note, event: 'second' });
      await clock.advance(1_000);
      await history.note({ ...note, event: 'third' });

      expect(await history.prune(clock.now())).toBe(2);
      expect((await history.list('provider', 1)).map((entry) => entry.event)).toEqual(['third']);
    });
  });
}
