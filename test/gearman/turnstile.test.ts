import { expect, test } from 'vitest';
import { Turnstile } from '../../src/gearman/turnstile.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

test('one at a time, in the order of asking', async () => {
  const turnstile = new Turnstile();
  const order: string[] = [];
  const pass = async (name: string): Promise<void> => {
    using _turn = await turnstile.enter(neverAborted);
    order.push(`${name} in`);
    await Promise.resolve();
    order.push(`${name} out`);
  };

  await Promise.all([pass('a'), pass('b'), pass('c')]);

  expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('who gives up waiting loses the turn to nobody but the next', async () => {
  const turnstile = new Turnstile();
  const controller = new AbortController();
  const held = await turnstile.enter(neverAborted);
  const given = turnstile.enter(controller.signal);
  const next = turnstile.enter(neverAborted);

  controller.abort(new Error('Given up'));
  held[Symbol.dispose]();

  await expect(given).rejects.toThrow('Given up');
  using _turn = await next;
  await expect(turnstile.enter(AbortSignal.abort(new Error('Too late')))).rejects.toThrow('Too late');
});

test('a turn that comes in the instant of giving up is passed on', async () => {
  const turnstile = new Turnstile();
  const controller = new AbortController();
  const held = await turnstile.enter(neverAborted);
  const given = turnstile.enter(controller.signal);
  const next = turnstile.enter(neverAborted);

  held[Symbol.dispose]();
  controller.abort(new Error('Given up'));

  const outcome = await given.then(
    (turn) => {
      turn[Symbol.dispose]();
      return 'got it';
    },
    () => 'gave up',
  );
  expect(['got it', 'gave up']).toContain(outcome);
  using turn = await next;
  expect(turn).toBeDefined();
});
