import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoggedProcess } from './logged-process.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

// One farm for all, in turn: each test begins and ends with one ready node.
let farm: TestFarm;
let daemon: LoggedProcess;

beforeAll(async () => {
  farm = await TestFarm.start();
  daemon = await farm.startDaemon();
}, FARM_MS);

afterAll(() => farm[Symbol.asyncDispose]());

test(
  'jobs get a node each, which is launched for them, used once and deleted; then the pool is as full as before',
  async () => {
    const first = await farm.untilUsable();

    const jobs = [farm.submitJob(), farm.submitJob()];
    const used = await farm.untilNodes(2, 'used');
    const listed = await farm.nodepool('list');
    await Promise.all(used.map((node) => farm.finishJob(node)));
    const ends = await Promise.all(jobs);
    for (const node of used) await farm.untilNode(node, 'gone');
    const next = await farm.untilUsable();
    await farm.untilNodes(1, 'ready');
    await farm.untilTidy();

    expect(used.map(({ id }) => id)).toContain(first.id);
    expect(ends.map(({ result }) => result)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(ends.map(({ nodename }) => nodename).sort()).toEqual(used.map(({ nodename }) => nodename).sort());
    expect(listed.stdout.match(/\| used /g)).toHaveLength(2);
    expect(await farm.onMachine(next, 'cat /tmp/ready-runs')).toBe(next.hostname);
    expect(await farm.onMachine(next, 'cat /etc/nodepool/role')).toBe('primary');
  },
  FARM_MS,
);

test(
  'a node that is held while its job runs is kept when that ends, until it is deleted',
  async () => {
    const node = await farm.untilUsable();
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');

    const held = await farm.nodepool('hold', String(node.id));
    await farm.finishJob(node);
    const end = await job;
    await daemon.logged(new RegExp(`Node id: ${node.id} is complete but in HOLD state`));
    const next = await farm.untilUsable();
    const kept = await farm.onMachine(node, 'hostname');
    const deleted = await farm.nodepool('delete', String(node.id));
    await farm.untilNode(node, 'gone');
    await farm.untilTidy();

    expect([held.exitCode, deleted.exitCode]).toEqual([0, 0]);
    expect(end).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    expect(kept).toBe(node.hostname);
    expect(await farm.cloud.serverNames()).toContain(next.hostname);
  },
  FARM_MS,
);

test(
  'a waiting node that is held leaves Jenkins, so that no job comes, and another one takes its place',
  async () => {
    const node = await farm.untilUsable();

    await farm.nodepool('hold', String(node.id));
    await farm.until('the held node to be out of Jenkins', async () =>
      (await farm.jenkins.agentNames()).includes(node.nodename ?? '') ? undefined : true,
    );
    const next = await farm.untilUsable();
    const job = farm.submitJob();
    await farm.untilNode(next, 'used');
    await farm.finishJob(next);
    const end = await job;
    await farm.untilNode(node, 'hold');
    await farm.nodepool('delete', String(node.id));
    await farm.untilNode(node, 'gone');

    expect(end).toMatchObject({ result: 'SUCCESS', nodename: next.nodename });
  },
  FARM_MS,
);

test(
  'a configuration that is broken while the daemon runs is told of once with its place; jobs are served all the same',
  async () => {
    const node = await farm.untilUsable();
    const good = readFileSync(farm.configPath, 'utf8');
    const since = daemon.mark();

    writeFileSync(farm.configPath, good.replace('max-servers: 10', 'max-servers: lots'));
    daemon.signal('SIGHUP');
    const complaint = await daemon.logged(/The configuration is not usable/, since);
    daemon.signal('SIGHUP');
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');
    await farm.untilUsable();
    const validated = await farm.nodepool('config-validate');
    writeFileSync(farm.configPath, good);
    daemon.signal('SIGHUP');
    await daemon.logged(/Configuration .* was read again/, since);

    const line = good.split('\n').findIndex((text) => text.includes('max-servers: 10')) + 1;
    expect(complaint).toContain(`nodepool.yaml:${line}:`);
    expect((await job).result).toBe('SUCCESS');
    expect(daemon.lines.slice(since).filter((text) => text.includes('not usable'))).toHaveLength(1);
    expect(validated.exitCode).not.toBe(0);
  },
  FARM_MS,
);

test(
  'a daemon that is told to stop stops at once and leaves nodes, servers and agents to the next one',
  async () => {
    const node = await farm.untilUsable();
    await farm.untilTidy();

    daemon.signal('SIGTERM');
    const end = await daemon.ended();
    const next = await farm.startDaemon();
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');
    await farm.untilUsable();
    next.signal('SIGTERM');

    expect(end).toBe('status 0');
    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    expect(await next.ended()).toBe('status 0');
  },
  FARM_MS,
);

test(
  'a daemon that finds a broken configuration at its start names the place, and ends with status 2',
  async () => {
    const good = readFileSync(farm.configPath, 'utf8');
    writeFileSync(farm.configPath, `${good}\nlabels: twice\n`);

    const broken = await farm.startDaemon({ untilRunning: false });
    const end = await broken.ended();
    writeFileSync(farm.configPath, good);

    expect(end).toBe('status 2');
    expect(broken.lines).toEqual([expect.stringMatching(/ERROR .*nodepool\.yaml:\d+:\d+: .*labels/)]);
  },
  FARM_MS,
);
