import { describe, expect, test } from 'vitest';
import type { Attempt, Outage, Run } from '../../crash/evidence.ts';
import { findSecondRuns } from '../../crash/second-runs.ts';

/** Jobs by whether they asked to take their node offline. */
const ATTEMPTS: readonly Attempt[] = (
  [
    ['asks', true],
    ['silent', false],
    ['later', true],
  ] as const
).map(([id, asksOffline], index) => ({
  id,
  job: index,
  expects: 'SUCCESS',
  asksOffline,
  outcome: 'completed',
  result: '',
}));

/** On one node; seconds. */
function aRun(attempt: 'asks' | 'silent' | 'later', began: number, ended: number): Run {
  return { attempt, server: 'one', beganMs: 1000 * began, endedMs: 1000 * ended, closedMs: 1000 * ended + 10 };
}

function away(part: Outage['part'], from: number, to: number): Outage {
  return { part, fromMs: 1000 * from, toMs: 1000 * to };
}

/** Whether the second run, and each one after it, was foreseen. */
function foreseen(runs: readonly Run[], outages: readonly Outage[]): readonly boolean[] {
  return findSecondRuns({ attempts: ATTEMPTS, unfinished: [], runs, outages }).map(({ isForeseen }) => isForeseen);
}

describe('a second job', () => {
  test('on each of two nodes is none', () => {
    const runs = [aRun('asks', 10, 11), { ...aRun('later', 12, 13), server: 'two' }];

    expect(foreseen(runs, [])).toEqual([]);
  });

  test.each(['daemon', 'postgres', 'jenkins'] as const)(
    'is foreseen where the first began and ended unheard, for %s was away, and did not ask to take the node offline',
    (part) => {
      const outages = [away(part, 8.5, 12)];

      expect(foreseen([aRun('silent', 10, 11), aRun('later', 60, 61)], outages)).toEqual([true]);
      expect(foreseen([aRun('asks', 10, 11), aRun('later', 60, 61)], outages)).toEqual([false]);
    },
  );

  test('is not foreseen where the first began in time to be heard', () => {
    expect(foreseen([aRun('silent', 10, 13), aRun('later', 14, 15)], [away('daemon', 12, 12.5)])).toEqual([false]);
  });

  test('is not foreseen where the first still ran when all was well again', () => {
    expect(foreseen([aRun('silent', 10, 16), aRun('later', 17, 18)], [away('daemon', 9, 12)])).toEqual([false]);
  });

  test('is foreseen where one outage follows another before Nodepool has looked', () => {
    const outages = [away('daemon', 9, 12), away('postgres', 13, 16)];

    expect(foreseen([aRun('silent', 10, 17), aRun('later', 18, 19)], outages)).toEqual([true]);
  });

  test.each(['cloud', 'gearmand'] as const)('has nothing to do with %s', (part) => {
    expect(foreseen([aRun('silent', 10, 11), aRun('later', 12, 13)], [away(part, 9, 12)])).toEqual([false]);
  });

  test('is foreseen after a job whose Jenkins died under it, until Nodepool has looked', () => {
    const [first, outages] = [aRun('asks', 10, 13), [away('jenkins', 12, 14)]];

    expect(foreseen([first, aRun('later', 15, 16)], outages)).toEqual([true]);
    expect(foreseen([first, aRun('later', 20, 21)], outages)).toEqual([false]);
  });

  test('is not foreseen because an earlier one was: each job closes its node', () => {
    const runs = [aRun('asks', 10, 13), aRun('silent', 15, 18), aRun('later', 19, 20)];

    expect(foreseen(runs, [away('jenkins', 12, 14)])).toEqual([true, false]);
  });
});
