import { describe, expect, test } from 'vitest';
import { DeadlineExceededError, QueueFullError } from '../../src/runtime/errors.ts';
import { RequestGate, type RequestGateOptions } from '../../src/runtime/request-gate.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { passTime } from '../pool/pass-time.ts';

type Bench = {
  readonly clock: FakeClock;
  readonly tasks: TaskBoard;
  readonly gate: RequestGate;
  /** Names of the requests that began, in order. */
  readonly began: string[];
  /** Sends a request that takes `ms`. */
  readonly send: (name: string, options?: { priority?: number; ms?: number; signal?: AbortSignal }) => Promise<void>;
};

function aGate(options: Partial<RequestGateOptions> = {}): Bench {
  const clock = new FakeClock();
  const tasks = new TaskBoard(clock);
  const limits = { minGapMs: 0, concurrency: 1, deadlineMs: 60_000, maxQueued: 10, ...options };
  const gate = new RequestGate({ name: 'provider wmf', ...limits }, { clock, tasks });
  const began: string[] = [];
  return {
    ...{ clock, tasks, gate, began },
    send: (name, { priority = 0, ms = 0, signal = neverAborted } = {}) =>
      gate.run({ name, priority }, signal, async (inner) => {
        began.push(name);
        if (ms > 0) await clock.sleep(ms, inner);
      }),
  };
}

describe('the order', () => {
  test('is by priority at the moment of the start: a create that comes late overtakes lists that wait for the pace', async () => {
    const { clock, began, send } = aGate({ minGapMs: 1000, concurrency: 4 });
    const all = [send('first'), send('list'), send('list too')];
    await clock.advance(999);

    all.push(send('create', { priority: 3 }));
    await clock.advance(10_000);
    await Promise.all(all);

    expect(began).toEqual(['first', 'create', 'list', 'list too']);
  });

  test('is by priority also among those who wait for a free place', async () => {
    const { clock, began, send } = aGate();
    const all = [send('first', { ms: 100 }), send('low'), send('high', { priority: 1 })];

    await passTime(clock, 200);
    await Promise.all(all);

    expect(began).toEqual(['first', 'high', 'low']);
  });
});

describe('a request that is given up', () => {
  test('leaves the line at once, and takes neither a place nor a part of the pace', async () => {
    const { clock, began, send } = aGate({ minGapMs: 1000 });
    const patience = new AbortController();
    await send('first');
    const given = send('given up', { signal: patience.signal });
    const second = send('second');

    patience.abort(new Error('Enough'));
    await expect(given).rejects.toThrow('Enough');
    await clock.advance(1000);
    await second;

    expect(began).toEqual(['first', 'second']);
  });

  test('leaves no timer behind when it was the last', async () => {
    const { clock, send } = aGate({ minGapMs: 1000 });
    const patience = new AbortController();
    await send('first');
    const given = send('given up', { signal: patience.signal });

    patience.abort(new Error('Enough'));
    await expect(given).rejects.toThrow('Enough');

    expect(clock.sleeping).toBe(0);
  });

  test('before it was asked for is refused', async () => {
    const { began, send } = aGate();

    await expect(send('late', { signal: AbortSignal.abort(new Error('Too late')) })).rejects.toThrow('Too late');

    expect(began).toEqual([]);
  });

  test('while it is under way ends, and the next one starts', async () => {
    const { clock, began, send } = aGate();
    const patience = new AbortController();
    const given = send('given up', { ms: 1000, signal: patience.signal });
    const next = send('next');
    await clock.untilSleeping();

    patience.abort(new Error('Enough'));
    await expect(given).rejects.toThrow('Enough');
    await next;

    expect(began).toEqual(['given up', 'next']);
  });
});

describe('the bounds', () => {
  test('refuse one more than may wait, as what may work later', async () => {
    const { clock, send } = aGate({ maxQueued: 1 });
    const all = [send('running', { ms: 100 }), send('waiting')];

    const refused = send('too many');

    await expect(refused).rejects.toThrow(QueueFullError);
    await expect(refused).rejects.toThrow('Cannot queue too many for provider wmf: 1 requests wait already');
    await clock.advance(100);
    await Promise.all(all);
  });

  test('cut off a request that takes too long, from its start and not from its coming', async () => {
    const { clock, send } = aGate({ deadlineMs: 1000 });
    const all = [send('first', { ms: 900 }), send('second', { ms: 900 }), send('hangs', { ms: 1e6 })];
    const ends = Promise.allSettled(all);

    await passTime(clock, 2_900);
    const [first, second, hangs] = await ends;

    expect([first?.status, second?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(hangs).toMatchObject({ reason: expect.any(DeadlineExceededError) as Error });
    expect(hangs).toMatchObject({ reason: { message: 'Timeout waiting for hangs of provider wmf (1 s)' } });
  });

  test('hold on after a request that fails', async () => {
    const { gate, began, send } = aGate();

    const failed = gate.run({ name: 'fails' }, neverAborted, () => Promise.reject(new Error('Refused')));
    await expect(failed).rejects.toThrow('Refused');
    await send('next');

    expect(began).toEqual(['next']);
  });

  test('set no timer where there is no pace', async () => {
    const { clock, began, send } = aGate({ minGapMs: 1, concurrency: 2 });

    await Promise.all(['a', 'b', 'c', 'd'].map((name) => send(name)));

    expect(began).toEqual(['a', 'b', 'c', 'd']);
    expect(clock.sleeping).toBe(0);
  });
});

test('the task board tells whether a request waits for its turn or for the answer', async () => {
  const { clock, tasks, send } = aGate();
  const all = [send('ServerList', { ms: 100 }), send('ServerGet')];
  await clock.untilSleeping();

  expect(tasks.list()).toMatchObject([
    { name: 'provider wmf ServerList', waitsOn: 'the answer' },
    { name: 'provider wmf ServerGet', waitsOn: 'its turn' },
  ]);

  await clock.advance(100);
  await Promise.all(all);
  expect(tasks.list()).toEqual([]);
});
