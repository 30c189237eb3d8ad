import { describe, expect, test } from 'vitest';
import type { AllocationRound } from '../../src/allocation/allocation-history.ts';
import { RoundMemory } from '../../src/allocation/round-memory.ts';

const at = (ms: number): Date => new Date(1_000_000 + ms);
const round = (requested: number, granted: number): AllocationRound => new Map([['a', { requested, granted }]]);

describe('RoundMemory', () => {
  test('joins passes within ten seconds, so that fast passes do not look like long waits', () => {
    const memory = new RoundMemory([]);

    const ended = [
      memory.add(round(2, 0), at(0)),
      memory.add(round(2, 2), at(500)),
      memory.add(round(1, 0), at(9_999)),
    ];

    expect(ended).toEqual([undefined, undefined, undefined]);
    expect(memory.history).toEqual([round(1, 2)]);
  });

  test('gives the joined round for storing when the next one begins', () => {
    const memory = new RoundMemory([round(9, 9)]);
    memory.add(round(2, 0), at(0));
    memory.add(round(2, 1), at(1));

    const ended = memory.add(round(3, 0), at(10_000));

    expect(ended).toEqual(round(2, 1));
    expect(memory.history).toEqual([round(3, 0), round(2, 1), round(9, 9)]);
  });

  test('forgets a label that a later pass of the round does not know, as a removed label', () => {
    const memory = new RoundMemory([]);
    memory.add(new Map([['gone', { requested: 1, granted: 1 }]]), at(0));

    memory.add(round(1, 0), at(1));

    expect(memory.history).toEqual([round(1, 0)]);
  });
});
