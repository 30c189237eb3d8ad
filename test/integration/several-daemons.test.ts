import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { CutOffHost } from './cut-off-host.ts';
import { writeScript } from './farm-config.ts';
import type { LoggedProcess } from './logged-process.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

/** Its process ids mean nothing to the others, as if it ran on another machine. */
const ELSEWHERE = ['unshare', '--pid', '--fork', '--kill-child', '--'];

const WAITS_FOR_GO = '#!/bin/sh\nuntil [ -e /tmp/go ]; do sleep 0.1; done\n';

/** Seconds until the daemon says so, from now on. */
async function secondsUntil(daemon: LoggedProcess, patterns: readonly RegExp[]): Promise<number> {
  const since = daemon.mark();
  const beganMs = systemClock.monotonicMs();
  await Promise.all(patterns.map((pattern) => daemon.logged(pattern, since)));
  return (systemClock.monotonicMs() - beganMs) / 1000;
}

/** Names of the nodes that more than one server was made for. */
async function launchedTwice(farm: TestFarm): Promise<readonly string[]> {
  const names = await farm.cloud.serverNames();
  return names.filter((name, index) => names.indexOf(name) !== index);
}

/** The first launch that came to its ready script. */
async function untilInScript(farm: TestFarm, other?: Node): Promise<Node> {
  return await farm.until('a ready script to run', async () => {
    const nodes = await farm.database.nodes.list({ states: ['building'] });
    return nodes.find(({ id, step }) => step === 'ready-script' && id !== other?.id);
  });
}

describe.concurrent('several daemons on one database', { timeout: FARM_MS }, () => {
  test('flags split the work; when all but one are killed, that one goes on with everything within 15 s', async () => {
    await using farm = await TestFarm.start({ config: { label: { 'min-ready': 2 } } });
    const launcher = await farm.startDaemon({ flags: ['--no-deletes'] });
    const deleter = await farm.startDaemon({ flags: ['--no-launches', '--no-images'] });
    const standby = await farm.startDaemon({ within: ELSEWHERE });
    const standsBy = await standby.logged(/leads reconciliation/);
    await farm.untilNodes(2, 'ready');
    await farm.untilUsable();
    const served = farm.submitJob();
    const [first] = await farm.untilNodes(1, 'used');
    if (first === undefined) throw new Error('The job runs nowhere');
    await farm.finishJob(first);
    await farm.untilNode(first, 'gone');
    await farm.untilUsable();
    const job = farm.submitJob();
    const [node] = await farm.untilNodes(1, 'used');
    if (node === undefined) throw new Error('The job runs nowhere');

    await Promise.all([launcher.kill(), deleter.kill()]);
    const taken = await secondsUntil(standby, [/This daemon leads allocation/, /This daemon leads reconciliation/]);
    await farm.finishJob(node);
    await farm.untilNode(node, 'gone');
    await farm.untilNodes(2, 'ready');
    await farm.untilTidy();

    expect(standsBy).toMatch(/Another daemon \(.+, pid \d+\) leads reconciliation; this one stands by/);
    expect(launcher.lines.join('\n')).toContain('This daemon leads allocation');
    expect(launcher.lines.join('\n')).not.toContain('leads reconciliation');
    expect(deleter.lines.join('\n')).toContain('This daemon leads reconciliation');
    expect(taken).toBeLessThan(15);
    expect(await served).toMatchObject({ result: 'SUCCESS', nodename: first.nodename });
    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    expect(await launchedTwice(farm)).toEqual([]);
  });

  test('a leader that slept through its death writes nothing, stands by, and is there when the other stops', async () => {
    await using farm = await TestFarm.start();
    writeScript(farm.folder, 'ready.sh', WAITS_FOR_GO);
    const sleeper = await farm.startDaemon();
    const half = await untilInScript(farm);
    const other = await farm.startDaemon();

    sleeper.signal('SIGSTOP');
    const slept = await secondsUntil(other, [/This daemon leads allocation/, /This daemon leads images/]);
    const whole = await untilInScript(farm, half);
    await farm.onMachine(whole, 'touch /tmp/go');
    await farm.untilNode(whole, 'ready');
    const woken = sleeper.mark();
    sleeper.signal('SIGCONT');
    await sleeper.logged(/Another daemon .* leads images; this one stands by/, woken);
    await farm.untilNode(half, 'gone');
    await farm.untilTidy();
    const history = await farm.historyOf(half);
    const since = sleeper.mark();
    other.signal('SIGTERM');
    const handed = await secondsUntil(sleeper, [/This daemon leads allocation/]);
    await sleeper.logged(/This daemon leads images/, since);
    const ended = await other.ended();
    await farm.nodepool('delete', String(whole.id));
    await farm.untilNode(whole, 'gone');

    expect(slept).toBeLessThan(30);
    expect(handed).toBeLessThan(3);
    expect(ended).toBe('status 0');
    const said = sleeper.lines.slice(woken, since);
    expect(said.filter((line) => line.includes('taken for dead'))).toEqual([
      expect.stringContaining('This daemon was taken for dead (it was not heard of for') as string,
    ]);
    expect(said.filter((line) => /Pass of|^ {4}at /.test(line))).toEqual([]);
    // The launch that it slept in was given up by the other, and nothing came after that.
    expect(history.at(-1)).toContain('removed by deleter');
    expect(history.filter((entry) => entry.startsWith('launched '))).toEqual([]);
    expect(await launchedTwice(farm)).toEqual([]);
  });

  test('a leader whose host vanished from the network is replaced within a minute, and knows it when it is back', async () => {
    await using farm = await TestFarm.start();
    const first = await farm.startDaemon();
    const node = await farm.untilUsable();
    first.signal('SIGTERM');
    await first.ended();
    const host = await CutOffHost.start(farm);
    await host.daemon.logged(/This daemon leads images/);
    const standby = await farm.startDaemon();
    await standby.logged(/leads allocation; this one stands by/);

    const vanished = secondsUntil(standby, [/This daemon leads allocation/, /This daemon leads reconciliation/]);
    await host.cut();
    const seconds = await vanished;
    await farm.nodepool('delete', String(node.id));
    await farm.untilNode(node, 'gone');
    await farm.untilUsable();
    const since = host.daemon.mark();
    await host.join();
    await host.daemon.logged(/This daemon was taken for dead/, since);

    expect(seconds).toBeLessThan(60);
    expect(await launchedTwice(farm)).toEqual([]);
  });
});
