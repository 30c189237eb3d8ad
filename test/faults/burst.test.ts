import { expect, inject, test } from 'vitest';
import { EmulatedFarm } from './emulated-farm.ts';

const [MIN_READY, MAX_SERVERS, JOBS] = [10, 20, 24];

test('24 jobs at once take a pool of 10 to its 20 servers, never to 21; all are served, and none is launched too many', async () => {
  const sizes = { minReady: MIN_READY, maxServers: MAX_SERVERS, jobMs: 1_500 };
  await using farm = await EmulatedFarm.start({ postgresHost: inject('postgresHost'), ...sizes });
  await farm.untilReady(MIN_READY);

  const jobs = Promise.all(Array.from({ length: JOBS }, () => farm.submit()));
  await farm.untilBusy();
  const after = farm.untilReady(MIN_READY);
  const ends = await jobs;
  await after;

  const launched = await farm.database.nodes.list();
  expect(ends).toEqual(Array(JOBS).fill('completed'));
  expect(farm.mostNodes).toBe(MAX_SERVERS);
  expect(Math.max(...launched.map(({ id }) => id))).toBe(MIN_READY + JOBS);
  expect(farm.log.messages('error')).toEqual([]);
}, 90_000);
