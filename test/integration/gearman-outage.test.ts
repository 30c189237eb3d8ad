import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoggedProcess } from './logged-process.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

let farm: TestFarm;
let daemon: LoggedProcess;

beforeAll(async () => {
  farm = await TestFarm.start();
  await farm.killGearmand();
  daemon = await farm.startDaemon();
}, FARM_MS);
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
}, FARM_MS);

test(
  'a farm that starts without gearmand says so once, keeps min-ready, and serves jobs when gearmand comes',
  { timeout: FARM_MS },
  async () => {
    const node = await farm.untilUsable();
    const complaints = daemon.lines.filter((line) => line.includes('Gearman server does not answer'));
    await farm.restartGearmand();
    await daemon.logged(/Gearman server answers again/);

    const job = farm.submitJob();
    await farm.untilNode(node, 'used');
    await farm.finishJob(node);

    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    await farm.untilNode(node, 'gone');
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(`127.0.0.1:${farm.gearmanPort}`);
  },
);

test(
  'gearmand dies under a running job: the node serves it to its end and goes, and later jobs are served',
  { timeout: FARM_MS },
  async () => {
    const node = await farm.untilUsable();
    const interrupted = farm.submitJob();
    await farm.untilNode(node, 'used');

    const since = daemon.mark();
    await farm.killGearmand();
    await daemon.logged(/Gearman server does not answer; its last status is kept/, since);
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');
    await farm.restartGearmand();
    await daemon.logged(/Gearman server answers again/, since);
    const next = await farm.untilUsable();
    const job = farm.submitJob();
    await farm.untilNode(next, 'used');
    await farm.finishJob(next);

    expect((await interrupted).type).toBe('disconnected');
    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: next.nodename });
  },
);
