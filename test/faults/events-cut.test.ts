import { expect, test } from 'vitest';
import { aLabel } from '../builders/a-config.ts';
import { AssembledFarm } from './assembled-farm.ts';

const MINUTE_MS = 60_000;
const RECONCILE_MS = MINUTE_MS;
const LABELS = [
  aLabel({ name: 'east', providers: ['east'], minReady: 8 }),
  aLabel({ name: 'west', providers: ['west'], minReady: 7 }),
];
const NODES = 15;
/** A server is gone in two lists, and its agent before that. */
const DELETION_MS = 5_000;

test.each([
  ['that take their node offline', { asksOffline: true, runMs: 20_000 }],
  ['that do not, and are long enough for a look at Jenkins', { asksOffline: false, runMs: 90_000 }],
])(
  'without any build event for 30 minutes, 15 nodes at a time are found and deleted after jobs %s',
  async (_, kind) => {
    await using farm = new AssembledFarm({ labels: LABELS });
    farm.isHeard = false;
    farm.jobs.kind = kind;
    const gone = new Map<string, number>();
    const noteGone = (): void => {
      const rows = new Set(farm.nodes.all().map(({ nodename }) => nodename));
      for (const { nodename = '' } of farm.jobs.all) {
        if (nodename !== '' && !rows.has(nodename) && !gone.has(nodename)) gone.set(nodename, farm.clock.monotonicMs());
      }
    };
    await farm.pass(MINUTE_MS);
    expect(farm.usable('east') + farm.usable('west')).toBe(NODES);

    for (let minute = 0; minute < 30; minute += 5) {
      farm.jobs.submit('east', 8);
      farm.jobs.submit('west', 7);
      await farm.pass(5 * MINUTE_MS, noteGone);
    }

    const lateMs = farm.jobs.all.map(({ nodename = '', endedMs = NaN }) => (gone.get(nodename) ?? Infinity) - endedMs);
    const removed = farm.nodes.history.all().filter(({ event }) => event === 'removed');
    expect(farm.jobs.all).toHaveLength(6 * NODES);
    expect(farm.jobs.unfinished).toEqual([]);
    expect(farm.jobs.killed).toEqual([]);
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(2 * RECONCILE_MS + DELETION_MS);
    expect(removed).toHaveLength(6 * NODES); // none but those that had their job
    expect(farm.usable('east') + farm.usable('west')).toBe(NODES);
    expect(farm.leftovers()).toEqual([]);
  },
  30_000,
);
