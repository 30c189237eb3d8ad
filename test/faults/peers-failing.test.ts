import { expect, test } from 'vitest';
import { AssembledFarm, MIN_READY } from './assembled-farm.ts';

const MINUTE_MS = 60_000;
const FAULT_MINUTES = 10;
/** What was refused in vain is tried again after two minutes at most, by a probe. */
const RECOVERY_MS = 5 * MINUTE_MS;
/** Longest time that a pass may be under way. */
const PASS_MS = 9_000;
/** A job that finds a node begins with the next step. */
const AT_ONCE_MS = 1_000;
/** Once a minute for each target, three tries of each probe, and some for what changed its state. */
const LINES = 3 * FAULT_MINUTES + 3;
/** What was repaired is told of each node. */
const REPAIR = 'Node id: N is ';

/**
 * Peer, mode, and the labels whose jobs begin at once all the while; those of the others must be served when it is over.
 * Garbage and 5xx reach the daemon as the same error as a refusal: each adapter has tests of its own for them.
 */
const CASES = [
  ['nova', 'refused', ['west']],
  ['nova', 'hang', ['west']],
  ['nova', 'slow', ['west']],
  ['nova', 'cut', ['west']],
  ['glance', 'hang', ['east', 'west']],
  ['ssh', 'hang', ['west']],
  ['ssh', 'cut', ['west']],
  ['jenkins', 'refused', ['east', 'west']],
  ['jenkins', 'hang', ['east', 'west']],
  ['jenkins', 'slow', ['east', 'west']],
  ['jenkins', 'cut', ['east', 'west']],
  ['gearmand', 'refused', ['east', 'west']],
  ['postgres', 'refused', []],
  ['postgres', 'hang', []],
  ['postgres', 'slow', []],
] as const;

test.each(CASES)(
  '%s, %s for ten minutes: all else goes on, and the pool is full again by itself',
  async (...words) => {
    const [peer, mode, spared] = words;
    await using farm = await aFarmAtRest();

    farm.faults[peer].mode = mode;
    await farm.pass(FAULT_MINUTES * MINUTE_MS, aJobEachHalfMinute(farm));
    const waits = spared.map((label) => farm.jobs.longestWaitMs(label));
    // Whatever a loop does begins with the database.
    const slow = peer === 'postgres' ? [] : farm.loops.slowerThan(PASS_MS);
    const lines = farm.countComplaints();
    const { mostTasks } = farm.loops;
    farm.faults[peer].mode = undefined;
    await farm.passUntilFull(RECOVERY_MS);

    expect(Math.max(0, ...waits)).toBeLessThanOrEqual(AT_ONCE_MS);
    expect(slow).toEqual([]);
    expect([...lines].filter(([text, count]) => count > LINES && !text.startsWith(REPAIR))).toEqual([]);
    expect(mostTasks).toBeLessThan(60);
    expectFull(farm);
  },
  20_000,
);

async function aFarmAtRest(): Promise<AssembledFarm> {
  const farm = new AssembledFarm();
  await farm.passUntilFull(2 * MINUTE_MS);
  expectFull(farm);
  const held = farm.nodes.all().find(({ target }) => target === 'ci-1');
  if (held === undefined) throw new Error('No node is in ci-1');
  await farm.nodes.apply(held, 'held', { who: 'test', why: 'An operator looks at it' });
  farm.loops.forget();
  farm.log.entries.length = 0;
  return farm;
}

function aJobEachHalfMinute(farm: AssembledFarm): () => void {
  let steps = 0;
  return () => {
    if (steps % 30 === 0) for (const label of ['east', 'west']) farm.jobs.submit(label);
    steps += 1;
  };
}

function expectFull(farm: AssembledFarm): void {
  expect(farm.jobs.unfinished).toEqual([]);
  expect(farm.jobs.killed).toEqual([]);
  expect(farm.leftovers()).toEqual([]);
  for (const label of ['east', 'west']) expect(farm.usable(label)).toBeGreaterThanOrEqual(MIN_READY);
}
