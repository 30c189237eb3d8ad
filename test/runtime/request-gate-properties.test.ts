import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RequestGate } from '../../src/runtime/request-gate.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

type Arrival = {
  readonly atMs: number;
  readonly priority: number;
  readonly takesMs: number;
  /** How long after its arrival it is given up; undefined: never. */
  readonly patienceMs: number | undefined;
};

type Moment = { readonly what: 'came' | 'began' | 'ended' | 'left'; readonly id: number; readonly atMs: number };

const arrivals = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 60 }).map((n) => 10 * n),
    priority: fc.integer({ min: 0, max: 3 }),
    takesMs: fc.integer({ min: 0, max: 200 }),
    // Never at the time of an arrival, so that it is clear who came first.
    patienceMs: fc.option(
      fc.integer({ min: 0, max: 30 }).map((n) => 10 * n + 3),
      { nil: undefined, freq: 4 },
    ),
  }),
  { minLength: 1, maxLength: 25 },
);
const options = fc.record({ minGapMs: fc.constantFrom(0, 1, 7, 50, 110), concurrency: fc.integer({ min: 1, max: 4 }) });
type Options = { readonly minGapMs: number; readonly concurrency: number };

/** Sends the requests through a gate and notes what happens, in order. */
async function runRequests(requests: readonly Arrival[], limits: Options): Promise<readonly Moment[]> {
  const clock = new FakeClock();
  const startMs = clock.monotonicMs();
  const moments: Moment[] = [];
  const note = (what: Moment['what'], id: number): void => {
    moments.push({ what, id, atMs: clock.monotonicMs() - startMs });
  };
  const gate = new RequestGate(
    { name: 'peer', deadlineMs: 1e6, maxQueued: 100, ...limits },
    { clock, tasks: new TaskBoard(clock) },
  );
  const sendOne = async ({ atMs, priority, takesMs, patienceMs }: Arrival, id: number): Promise<void> => {
    await clock.sleep(atMs);
    const patience = new AbortController();
    if (patienceMs !== undefined) {
      void clock.sleep(patienceMs).then(() => {
        patience.abort();
      });
    }
    note('came', id);
    let began = false;
    await gate
      .run({ name: `request ${id}`, priority }, patience.signal, async () => {
        began = true;
        note('began', id);
        await clock.sleep(takesMs);
        note('ended', id); // also after it was given up: what is sent is sent
      })
      .catch(() => {
        if (!began) note('left', id);
      });
  };
  const all = Promise.all(requests.map(sendOne));
  await clock.advance(20_000);
  await all;
  expect(clock.sleeping).toBe(0);
  return moments;
}

/** The ids that came and neither began nor left before the moment at `index`, in order. */
function waitingAt(moments: readonly Moment[], index: number): readonly number[] {
  const before = moments.slice(0, index);
  const over = new Set(before.filter(({ what }) => what === 'began' || what === 'left').map(({ id }) => id));
  return before.filter(({ what, id }) => what === 'came' && !over.has(id)).map(({ id }) => id);
}

/** How many run after the moment at `index`; one that is given up no longer counts. */
function runningAt(moments: readonly Moment[], index: number, requests: readonly Arrival[]): number {
  const atMs = moments[index]?.atMs ?? 0;
  const upTo = moments.slice(0, index + 1);
  const ended = new Set(upTo.filter(({ what }) => what === 'ended').map(({ id }) => id));
  const isGivenUp = (id: number): boolean => {
    const { atMs: cameMs = 0, patienceMs = Infinity } = requests[id] ?? {};
    return cameMs + patienceMs <= atMs;
  };
  return upTo.filter(({ what, id }) => what === 'began' && !ended.has(id) && !isGivenUp(id)).length;
}

function starts(moments: readonly Moment[]): readonly (Moment & { readonly index: number })[] {
  return moments.map((moment, index) => ({ ...moment, index })).filter(({ what }) => what === 'began');
}

test('never more than allowed run at once', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, options, async (requests, limits) => {
      const moments = await runRequests(requests, limits);

      for (const { index } of starts(moments)) {
        expect(runningAt(moments, index, requests)).toBeLessThanOrEqual(limits.concurrency);
      }
    }),
  );
});

test('starts are never closer together than the pace', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, options, async (requests, limits) => {
      const begun = starts(await runRequests(requests, limits));

      for (const [n, { atMs }] of begun.entries()) {
        const before = begun[n - 1]?.atMs ?? -Infinity;
        if (limits.minGapMs > 1) expect(atMs - before).toBeGreaterThanOrEqual(limits.minGapMs);
      }
    }),
  );
});

test('who starts is the first of the highest priority that waits at that moment', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, options, async (requests, limits) => {
      const moments = await runRequests(requests, limits);

      for (const { id, index } of starts(moments)) {
        const waiting = waitingAt(moments, index);
        const highest = Math.max(...waiting.map((each) => requests[each]?.priority ?? 0));
        expect(id).toBe(waiting.find((each) => requests[each]?.priority === highest));
      }
    }),
  );
});

test('everybody starts who does not give up, and nobody who did', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, options, async (requests, limits) => {
      const moments = await runRequests(requests, limits);

      const begun = starts(moments).map(({ id }) => id);
      const left = moments.filter(({ what }) => what === 'left').map(({ id }) => id);
      expect([...begun, ...left].sort((a, b) => a - b)).toEqual(requests.map((_, id) => id));
      for (const id of left) expect(requests[id]?.patienceMs).toBeDefined();
    }),
  );
});

test('nobody waits longer than for the pace, or for an end', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals, options, async (requests, limits) => {
      const moments = await runRequests(requests, limits);

      for (const { atMs, index } of starts(moments)) {
        const lastStartMs = starts(moments.slice(0, index)).at(-1)?.atMs ?? -Infinity;
        const events = moments.slice(0, index).filter(({ what }) => what !== 'began');
        const gaveUpMs = requests.map(({ atMs: cameMs, patienceMs = Infinity }) => cameMs + patienceMs);
        expect([lastStartMs + limits.minGapMs, ...events.map((each) => each.atMs), ...gaveUpMs]).toContain(atMs);
      }
    }),
  );
});
