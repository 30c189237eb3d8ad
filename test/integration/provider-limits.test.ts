import { describe, expect, test } from 'vitest';
import { NAMES, writeScript } from './farm-config.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

describe.concurrent('what later Nodepool added', { timeout: FARM_MS }, () => {
  test('max-cores and max-concurrency: two nodes of a core each serve three jobs, and are launched in turn', async () => {
    const provider = { 'max-cores': 2, 'max-concurrency': 1 };
    await using farm = await TestFarm.start({ config: { label: { 'min-ready': 2 }, provider } });
    await farm.startDaemon();
    const [first, second] = await farm.untilNodes(2, 'ready');

    const jobs = [farm.submitJob(), farm.submitJob(), farm.submitJob()];
    const used = await farm.untilNodes(2, 'used');
    const all = await farm.database.nodes.list();
    const info = await farm.nodepool('info', NAMES.provider);
    for (const node of used) await farm.finishJob(node);
    const before = new Set(used.map(({ id }) => id));
    const third = await farm.until('the third job to run', async () => {
      const nodes = await farm.database.nodes.list({ states: ['used'] });
      return nodes.find(({ id }) => !before.has(id));
    });
    await farm.finishJob(third);
    const ends = await Promise.all(jobs);

    expect(all).toHaveLength(2);
    expect(info.stdout).toMatch(/[|] cores +[|] 2 +[|] 2 +[|]/);
    expect(ends.map(({ result }) => result)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    const histories = [await farm.historyOf(first ?? { id: 0 }), await farm.historyOf(second ?? { id: 0 })].flat();
    expect(histories.filter((line) => line.startsWith('waits by launcher: Waits for its turn'))).toHaveLength(1);
  });

  test('console-log: a launch that fails shows the console of its server, though that is gone by then', async () => {
    await using farm = await TestFarm.start({ config: { label: { 'console-log': true } } });
    writeScript(farm.folder, 'ready.sh', '#!/bin/sh\nexit 3\n');
    const daemon = await farm.startDaemon();

    const said = await daemon.logged(/Console of node id: \d+, server .*: [1-9]\d* lines/);
    const id = /node id: (\d+)/.exec(said)?.[1] ?? '';
    await farm.until('the failed node to be gone', async () => {
      return (await farm.database.nodes.find(Number(id))) === undefined ? true : undefined;
    });
    const history = await farm.nodepool('history', id);

    expect(history.stdout).toContain('last lines of its console are below');
    expect(history.stdout).toMatch(/\nConsole at .* UTC:\n.+\n/);
  });
});
