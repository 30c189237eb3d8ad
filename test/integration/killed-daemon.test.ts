import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { writeScript } from './farm-config.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

/** So long that the daemon is surely killed before it is over. */
const LONG_MS = 4000;

/** Each of a farm's nodes once it has come so far. */
async function untilAllAt(farm: TestFarm, step: NonNullable<Node['step']>, count: number): Promise<readonly Node[]> {
  return await farm.until(`${count} launches at ${step}`, async () => {
    const nodes = await farm.database.nodes.list({ states: ['building'] });
    return nodes.length === count && nodes.every((node) => node.step === step) ? nodes : undefined;
  });
}

describe.concurrent('a daemon that was killed by SIGKILL', { timeout: FARM_MS }, () => {
  test('while servers were built: the next one goes on with the same servers', async () => {
    await using farm = await TestFarm.start({ config: { label: { 'min-ready': 3 } } });
    await farm.cloud.fail([{ match: { name: '^unit-' }, effect: { buildMs: LONG_MS } }]);
    const killed = await farm.startDaemon();
    const building = await untilAllAt(farm, 'wait-active', 3);

    await killed.kill();
    await farm.startDaemon();
    const ready = await farm.untilNodes(3, 'ready');
    await farm.untilTidy();

    expect(serversOf(ready)).toEqual(serversOf(building));
    expect(await farm.cloud.serverNames()).toEqual(ready.map(({ hostname }) => hostname).sort());
  });

  test('before the answer to its create call came: the next one finds the server and makes no second one', async () => {
    await using farm = await TestFarm.start();
    await farm.cloud.fail([
      { match: { service: 'compute', method: 'POST', path: '/servers$', name: '^unit-' }, effect: { hang: 'after' } },
    ]);
    const killed = await farm.startDaemon();
    const [made] = await farm.until('a server whose create call is not answered', async () => {
      const { servers } = await farm.cloud.overview();
      const nodes = servers.filter(({ name }) => name.startsWith('unit-'));
      return nodes.length > 0 ? nodes : undefined;
    });

    await killed.kill();
    await farm.cloud.mend();
    await farm.startDaemon();
    const node = await farm.untilUsable();
    await farm.untilTidy();

    expect(node.externalId).toBe(made?.id);
    expect(await farm.cloud.serverNames()).toEqual([node.hostname]);
  });

  test('while a ready script ran: that machine is not used, another one is', async () => {
    await using farm = await TestFarm.start();
    writeScript(farm.folder, 'ready.sh', '#!/bin/sh\ntouch /tmp/begun\nsleep 3600\n');
    const killed = await farm.startDaemon();
    const [half] = await untilAllAt(farm, 'ready-script', 1);

    await killed.kill();
    farm.configure({ label: { 'ready-script': undefined } });
    await farm.startDaemon();
    const node = await farm.untilUsable();
    await farm.untilTidy();

    expect(node.id).not.toBe(half?.id);
    expect((await farm.historyOf({ id: half?.id ?? 0 })).join('\n')).toContain(
      'launchFailed by launcher: The daemon stopped while the ready script ran on this machine',
    );
    expect(await farm.cloud.serverNames()).toEqual([node.hostname]);
  });

  test('while a job ran: the job goes on under the next one, and its end is noticed', async () => {
    await using farm = await TestFarm.start();
    const killed = await farm.startDaemon();
    const node = await farm.untilUsable();
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');

    await killed.kill();
    const next = await farm.startDaemon();
    await farm.untilUsable(); // the next node: this daemon has looked at everything
    await farm.until('the build events to be heard', () => Promise.resolve(farm.jenkins.isHeard || undefined));
    const stillThere = await farm.database.nodes.find(node.id);
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');
    await farm.untilTidy();

    expect(stillThere?.state).toBe('used');
    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    expect(next.lines.join('\n')).toMatch(new RegExp(`Deleted node id: ${node.id}$`, 'm'));
  });

  test('while a job ran that ended before the next one: its node is found when that starts', async () => {
    await using farm = await TestFarm.start();
    const killed = await farm.startDaemon();
    const node = await farm.untilUsable();
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');

    await killed.kill();
    await farm.finishJob(node);
    const end = await job;
    await farm.startDaemon();
    await farm.untilNode(node, 'gone');
    await farm.untilUsable();
    await farm.untilTidy();

    expect(end).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
  });

  test('in the middle of a deletion: the next one ends it, and nothing is left', async () => {
    await using farm = await TestFarm.start();
    const killed = await farm.startDaemon();
    const node = await farm.untilUsable();
    await farm.cloud.fail([{ match: { name: '^unit-' }, effect: { deleteMs: LONG_MS } }]);

    const deleted = await farm.nodepool('delete', String(node.id));
    await killed.logged(new RegExp(`Deleted jenkins node id: ${node.id}`));
    await killed.kill();
    const left = await farm.database.nodes.find(node.id);
    await farm.startDaemon();
    await farm.untilNode(node, 'gone');
    const next = await farm.untilUsable();
    await farm.untilTidy();

    expect(deleted.exitCode).toBe(0);
    expect(left?.state).toBe('delete');
    expect(await farm.cloud.serverNames()).toEqual([next.hostname]);
  });
});

function serversOf(nodes: readonly Node[]): readonly (string | undefined)[] {
  return nodes.map(({ externalId }) => externalId).sort();
}
