import { expect, test } from 'vitest';
import { EventBuffer } from '../../src/events/event-buffer.ts';

test('gives what came in order, in batches of the size asked for', async () => {
  const buffer = new EventBuffer<number>(10);
  for (let n = 1; n <= 5; n += 1) buffer.push(n);

  expect(await buffer.take(3)).toEqual([1, 2, 3]);
  expect(await buffer.take(3)).toEqual([4, 5]);
});

test('full, it forgets the oldest: the newest say more about the farm', async () => {
  const buffer = new EventBuffer<number>(3);
  const kept = [1, 2, 3, 4, 5].map((n) => buffer.push(n));

  expect(kept).toEqual([true, true, true, false, false]);
  expect(await buffer.take(10)).toEqual([3, 4, 5]);
});

test('holds no more than its capacity, however long it runs', async () => {
  const buffer = new EventBuffer<number>(4);
  for (let n = 0; n < 100; n += 1) {
    buffer.push(n);
    if (n % 3 === 0) expect((await buffer.take(1))?.[0]).toBeDefined();
    expect(buffer.size).toBeLessThanOrEqual(4);
  }

  expect(await buffer.take(10)).toEqual([97, 98, 99]);
});

test('waits until something comes', async () => {
  const buffer = new EventBuffer<number>(3);
  const taken = buffer.take(10);
  buffer.push(7);

  expect(await taken).toEqual([7]);
});

test('closed, it gives what is left and then ends', async () => {
  const buffer = new EventBuffer<number>(3);
  buffer.push(1);
  buffer.close();

  expect(await buffer.take(10)).toEqual([1]);
  expect(await buffer.take(10)).toBeUndefined();
});

test('closing ends a wait', async () => {
  const buffer = new EventBuffer<number>(3);
  const taken = buffer.take(10);
  buffer.close();

  expect(await taken).toBeUndefined();
});
