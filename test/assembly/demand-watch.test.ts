import { expect, test } from 'vitest';
import { DemandWatch } from '../../src/assembly/demand-watch.ts';
import type { QueueStatus } from '../../src/gearman/queue-status-source.ts';
import { Wakeup } from '../../src/runtime/wakeup.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

/** A Gearman server whose queue a test sets; undefined: it does not answer, and what it said is too old. */
class Queue {
  jobs: Readonly<Record<string, number>> | undefined = {};
  failure: Error | undefined;
  reads = 0;

  read(): Promise<QueueStatus> {
    this.reads += 1;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.jobs === undefined) return Promise.resolve({ servers: [{ server: 'a:4730', state: 'unknown' }] });
    const functions = Object.entries(this.jobs).map(([name, total]) => ({ name, total, running: 0, workers: 0 }));
    return Promise.resolve({ servers: [{ server: 'a:4730', state: 'fresh', functions, ageMs: 0 }] });
  }
}

/** Counts its wakes. */
class CountingWakeup extends Wakeup {
  wakes = 0;

  override wake(): void {
    this.wakes += 1;
  }
}

function aWatch(): { readonly watch: DemandWatch; readonly queue: Queue; readonly changed: CountingWakeup } {
  const queue = new Queue();
  const changed = new CountingWakeup(new FakeClock());
  return { watch: new DemandWatch(queue, changed), queue, changed };
}

test('the first question is asked when demand is first wanted, and its answer serves until a poll or an event', async () => {
  const { watch, queue } = aWatch();
  queue.jobs = { 'build:unit:trusty': 2 };

  expect(await watch.current(neverAborted)).toEqual(new Map([['trusty', 2]]));
  await watch.current(neverAborted);

  expect(queue.reads).toBe(1);
});

test('after jobs ended the servers are asked anew, since what they said last still counts them', async () => {
  const { watch, queue } = aWatch();
  queue.jobs = { 'build:unit:trusty': 2 };
  await watch.poll(neverAborted);

  watch.markStale();
  queue.jobs = { 'build:unit:trusty': 1 };

  expect(await watch.current(neverAborted)).toEqual(new Map([['trusty', 1]]));
});

test('a job that ends while the question is under way makes its answer stale', async () => {
  const { watch, queue } = aWatch();
  const poll = watch.poll(neverAborted);
  watch.markStale();
  await poll;

  await watch.current(neverAborted);

  expect(queue.reads).toBe(2);
});

test('a question that fails is asked again', async () => {
  const { watch, queue } = aWatch();
  queue.failure = new Error('Closed');
  await expect(watch.current(neverAborted)).rejects.toThrow('Closed');

  queue.failure = undefined;
  await watch.current(neverAborted);

  expect(queue.reads).toBe(2);
});

test('only another demand wakes the allocation', async () => {
  const { watch, queue, changed } = aWatch();

  const seen: number[] = [];
  for (const jobs of [{}, { 'build:a:x': 1 }, { 'build:a:x': 1 }, { 'build:a:x': 1, 'build:b:y': 1 }, {}]) {
    queue.jobs = jobs;
    await watch.poll(neverAborted);
    seen.push(changed.wakes);
  }

  expect(seen).toEqual([0, 1, 1, 2, 3]);
});

test('a server that is unknown asks for nothing, and the polls go on', async () => {
  const { watch, queue } = aWatch();
  queue.jobs = undefined;

  expect(await watch.current(neverAborted)).toEqual(new Map());
});

test('polls come faster while jobs wait', async () => {
  const { watch, queue } = aWatch();
  expect(watch.pollMs).toBe(2000);

  queue.jobs = { 'build:unit:trusty': 1 };
  await watch.poll(neverAborted);

  expect(watch.pollMs).toBe(1000);
});
