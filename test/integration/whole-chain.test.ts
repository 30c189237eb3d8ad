import { expect, test } from 'vitest';
import { FARM_MS, TestFarm } from './test-farm.ts';

test('one', { timeout: FARM_MS }, async () => {
  const t0 = performance.now();
  const lap = (what: string) => process.stderr.write(`${what} ${Math.round(performance.now() - t0)}\n`);
  await using farm = await TestFarm.start();
  lap('peers');
  const daemon = await farm.startDaemon();
  lap('daemon');
  const node = await farm.untilUsable();
  lap('usable');
  const job = farm.submitJob();
  await farm.untilNode(node, 'used');
  lap('used');
  await farm.finishJob(node);
  const end = await job;
  lap('end');
  await farm.untilNode(node, 'gone');
  lap('gone');
  expect(end).toEqual({ type: 'completed', result: 'SUCCESS', nodename: node.nodename });
  daemon.signal('SIGTERM');
  expect(await daemon.ended()).toBe('status 0');
  lap('stopped');
});
