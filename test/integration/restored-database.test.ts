import { expect, test } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { parseOwner } from '../../src/provider/owner-metadata.ts';
import { DatabaseBackup } from './database-backup.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

const MIN_READY = 4;
/** So long that the backup is surely made before it is over. */
const LONG_BOOT_MS = 12_000;
/** Two reconciliations, or two looks for leaks, and much time for their work. */
const TWICE_MS = 150_000;

/** At least so many nodes, all that are ready, which Jenkins has connected to. */
async function untilOnline(farm: TestFarm, count: number): Promise<readonly Node[]> {
  return await farm.until(`${count} nodes to be ready and online`, async () => {
    const online = await farm.jenkins.onlineAgents();
    const ready = await farm.database.nodes.list({ states: ['ready'] });
    return ready.length >= count && ready.every(({ nodename = '' }) => online.includes(nodename)) ? ready : undefined;
  });
}

/** Ids of the nodes for which there are servers. */
async function livingIds(farm: TestFarm): Promise<readonly number[]> {
  const { servers } = await farm.cloud.overview();
  return servers.flatMap(({ metadata }) => parseOwner(metadata)?.nodeId ?? []).sort((a, b) => a - b);
}

async function untilState(farm: TestFarm, id: number, state: Node['state']): Promise<Node> {
  return await farm.until(`node ${id} to be ${state}`, async () => {
    const node = await farm.database.nodes.find(id);
    return node?.state === state ? node : undefined;
  });
}

test(
  'a database that was restored from a backup: jobs run to their end, nothing leaks, no id is given twice; an empty one owns nothing',
  { timeout: 2 * FARM_MS },
  async () => {
    // A look for leaks each five seconds; what two of them see, half a minute apart, counts.
    const configFor = (minReady: number) => ({
      label: { 'min-ready': minReady },
      top: { cron: { cleanup: '* * * * * */5' } },
    });
    await using farm = await TestFarm.start({ config: configFor(MIN_READY - 1) });
    await farm.cloud.fail([{ match: { name: '^unit-cloud-4$' }, effect: { buildMs: LONG_BOOT_MS } }]);
    const backup = new DatabaseBackup(farm.databaseUrl, farm.folder);
    const before = await farm.startDaemon();
    await untilOnline(farm, MIN_READY - 1);
    farm.configure(configFor(MIN_READY));
    before.signal('SIGHUP');
    const launching = await farm.until('another server to be built', async () => {
      const [node] = await farm.database.nodes.list({ states: ['building'] });
      return node?.step === 'wait-active' ? node : undefined;
    });
    await backup.dump();

    // The farm moves on: the launch ends, four jobs run, one of them ends, four nodes come, and one of those has a job too.
    await untilOnline(farm, MIN_READY);
    const jobs = [1, 2, 3, 4].map(() => farm.submitJob());
    const used = await farm.untilNodes(MIN_READY, 'used');
    const [first] = used;
    if (first === undefined) throw new Error('No job runs');
    await farm.finishJob(first);
    await farm.untilNode(first, 'gone');
    await untilOnline(farm, MIN_READY);
    const lateJob = farm.submitJob();
    const late = await farm.until('a later node to be used', async () => {
      return (await farm.database.nodes.list({ states: ['used'] })).find(({ id }) => id > MIN_READY);
    });
    await untilOnline(farm, MIN_READY);
    before.signal('SIGTERM');
    await before.ended();
    const living = await livingIds(farm);
    const runs = (await farm.jenkins.busyAgents()).length;

    await backup.restore();
    const daemon = await farm.startDaemon();
    const raised = await daemon.logged(/The database is older than the clouds/);
    for (const node of used.filter(({ id }) => id !== first.id)) {
      await untilState(farm, node.id, node.id === launching.id ? 'delete' : 'used');
    }
    const stillRuns = (await farm.jenkins.busyAgents()).length;
    for (const node of used.filter(({ id }) => id !== first.id)) {
      await farm.finishJob(node);
      await farm.untilNode(node, 'gone');
    }
    const brake = await daemon.logged(/too many to delete at once/);
    const shown = await farm.nodepool('reap', 'cloud');
    const reaped = await farm.nodepool('reap', 'cloud', '--yes');
    const kept = await livingIds(farm);
    await farm.finishJob(late);
    const ends = await Promise.all([...jobs, lateJob]);
    await farm.untilNode(first, 'gone', TWICE_MS);
    await untilOnline(farm, MIN_READY);
    await farm.until(
      'the late node to be reaped',
      async () => !(await livingIds(farm)).includes(late.id) || undefined,
      TWICE_MS,
    );
    await farm.untilTidy();
    const now = (await farm.database.nodes.list()).map(({ id }) => id).sort((a, b) => a - b);
    const launchHistory = (await farm.historyOf(launching)).join('\n');
    const nowLiving = await livingIds(farm);
    daemon.signal('SIGTERM');
    await daemon.ended();
    await backup.empty();
    const ofAnEmptyOne = await farm.nodepool('reap', 'cloud', '--yes');
    const stillLiving = await livingIds(farm);

    expect(launching.id).toBe(MIN_READY);
    expect(ends.map(({ type, result }) => [type, result])).toEqual(ends.map(() => ['completed', 'SUCCESS']));
    expect(new Set(ends.map(({ nodename }) => nodename)).size).toBe(5);
    expect([runs, stillRuns]).toEqual([4, 4]);
    expect(launchHistory).toContain(
      `launchFailed by launcher: Agent ${launching.nodename ?? ''} is in jenkins already`,
    );
    expect(raised).toContain(`something of node ${Math.max(...living)}: ids go on above`);
    expect(brake).toContain('run "nodepool reap cloud --yes"');
    expect(shown).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Nothing was deleted') as string });
    expect(reaped.exitCode).toBe(1);
    expect(reaped.stdout).toMatch(new RegExp(`${late.hostname ?? ''} +\\| stays: a build still runs on it`));
    expect(kept).toContain(late.id);
    expect(Math.min(...now)).toBeGreaterThan(Math.max(...living));
    expect(nowLiving).toEqual(now);
    expect(ofAnEmptyOne).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining('unit-cloud') as string });
    expect(stillLiving).toEqual(now);
  },
);
