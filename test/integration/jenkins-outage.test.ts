import { expect, test } from 'vitest';
import { FARM_MS, TestFarm } from './test-farm.ts';

const GARBAGE = '<html><head><title>Welcome</title></head><body>It works!</body></html>';

test.concurrent.each([
  ['503', { status: 503 }, /503/],
  ['403', { status: 403 }, /403/],
  ['a page that is not its own', { status: 200, body: GARBAGE }, /ci/],
])(
  'Jenkins answers %s: its target is offline and gets no nodes until it is well',
  { timeout: FARM_MS },
  async (_, fault, reason) => {
    await using farm = await TestFarm.start();
    const daemon = await farm.startDaemon();
    const node = await farm.untilUsable();

    await farm.jenkins.fail({ rules: [fault] });
    const complaint = await daemon.logged(/[Jj]enkins.* (offline|not answer|refuse)|offline/);
    const since = daemon.mark();
    const deleted = await farm.nodepool('delete', String(node.id));
    await daemon.logged(/Deletion of node id: \d+ goes on later/, since);
    const launched = daemon.lines.slice(since).filter((line) => line.includes('Need to launch'));
    await farm.jenkins.mend();
    await daemon.logged(/Target ci is online/, since);
    await farm.untilNode(node, 'gone');
    await farm.untilUsable();

    expect(complaint).toMatch(reason);
    expect(deleted.exitCode).toBe(0);
    expect(launched).toEqual([]);
    expect(await farm.orphans()).toEqual([]);
    process.stderr.write(daemon.lines.filter((l) => !l.includes('DEBUG')).slice(-60).join('\n') + '\n');
  },
);
