import fc from 'fast-check';
import { test } from 'vitest';
import { FarmWorld, type Happening, type Surprise } from './farm-world.ts';
import { HAPPENING_NAMES } from './happening-names.ts';
import { letWorkGoOn, passTime } from './pass-time.ts';

const LONG = { maxLength: 60, size: 'max' } as const;

const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.constantFrom(...HAPPENING_NAMES),
  nth: fc.nat({ max: 5 }),
});
const surprise: fc.Arbitrary<Surprise> = fc
  .tuple(happening, fc.nat({ max: 12 }))
  .map(([what, afterCalls]) => ({ ...what, afterCalls }));
/** What happens in turn, how long each turn takes, and what happens between the daemon's calls meanwhile. */
const story = fc.record({
  nodes: fc.integer({ min: 1, max: 3 }),
  areLaunched: fc.boolean(),
  turns: fc.array(fc.record({ happening, ms: fc.constantFrom(0, 0, 0, 0, 1_000, 30_000, 61_000) }), LONG),
  surprises: fc.array(surprise, LONG),
});

test(
  'whatever happens, in whatever order: no build is cut off, no node is used twice, no hold is broken, nothing is leaked',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ nodes, areLaunched, turns, surprises }) => {
        const world = new FarmWorld(nodes);
        await world.happen({ what: 'launchPass', nth: 0 });
        if (areLaunched) await letWorkGoOn();
        world.prepare(surprises);
        for (const { happening: next, ms } of turns) {
          await world.happen(next);
          if (ms > 0) await passTime(world.bench.clock, ms, ms / 4);
          else await letWorkGoOn();
        }

        await world.settle();

        world.expectSettled();
      }),
      { numRuns: 150 },
    );
  },
);
