import { describe, expect, test } from 'vitest';
import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { LaunchTurns } from '../../src/pool/launch-turns.ts';
import { aLabel, aProvider } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { letWorkGoOn, passTime } from './pass-time.ts';
import { PoolBench } from './pool-bench.ts';

const WAITS = 'its turn: fake-provider has a max-concurrency of 2, and so many launches are under way';

/** So many nodes that are building, in a provider that launches so many at once and whose servers boot for a while. */
function benchOf(count: number, maxConcurrency: number): PoolBench {
  return new PoolBench({
    nodes: Array.from({ length: count }, (_, n) => aNode({ id: n + 1 })),
    config: { providers: [aProvider({ maxConcurrency })] },
    slow: true,
  });
}

function statesOf(bench: PoolBench): readonly string[] {
  return bench.nodes.all().map(({ state }) => state);
}

describe('max-concurrency', () => {
  test('lets so many launches of the provider go at once, and each that ends lets in the next one', async () => {
    const bench = benchOf(5, 2);
    const { launchPass } = bench.startProcess();

    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();
    const begun = bench.cloud.servers.size;
    await passTime(bench.clock, 6_000);

    expect(begun).toBe(2);
    expect(statesOf(bench)).toEqual(['ready', 'ready', 'ready', 'ready', 'ready']);
  });

  test('of 0 is no limit', async () => {
    const bench = benchOf(5, 0);

    await runLaunchPass(bench.startProcess().launchPass, neverAborted);
    await letWorkGoOn();

    expect(bench.cloud.servers.size).toBe(5);
    expect(bench.history.all().filter(({ event }) => event === 'waits')).toEqual([]);
  });

  test('keeps the others building, and both the history and the task board say what they wait for', async () => {
    const bench = benchOf(3, 2);
    const { launchPass, tasks } = bench.startProcess();

    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();

    expect(bench.node(3)).toMatchObject({ state: 'building' });
    expect(bench.node(3).step).toBeUndefined();
    expect(await bench.history.list('node', 3)).toMatchObject([
      { event: 'waits', who: 'launcher', why: `Waits for ${WAITS}` },
    ]);
    expect(tasks.list()).toContainEqual(expect.objectContaining({ name: 'NodeLauncher node 3', waitsOn: WAITS }));
  });

  test('that a changed configuration raises lets more in at the next pass', async () => {
    const bench = benchOf(4, 1);
    const { launchPass } = bench.startProcess();
    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();

    bench.config = { ...bench.config, providers: [aProvider({ maxConcurrency: 3 })] };
    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();

    expect(bench.cloud.servers.size).toBe(3);
  });

  test('lets launches that an earlier process began go first: their servers are there already', async () => {
    const bench = benchOf(3, 1);
    await bench.nodes.record(3, { step: 'create-server', hostname: 'trusty-fake-provider-3.example.org' });

    await runLaunchPass(bench.startProcess().launchPass, neverAborted);
    await letWorkGoOn();

    expect(bench.cloud.servers.peekAll().map(({ name }) => name)).toEqual(['trusty-fake-provider-3.example.org']);
  });

  test('holds up no deletion: a node that waits leaves the line', async () => {
    const bench = benchOf(3, 1);
    const { launchPass, deletionPass } = bench.startProcess();
    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();

    await bench.nodes.apply(bench.node(2), 'deleted', { who: 'cli:ada', why: 'test' });
    await runDeletionPass(deletionPass, neverAborted);
    await passTime(bench.clock, 2_000);

    expect(bench.nodes.all().map(({ id, state }) => `${id} ${state}`)).toEqual(['1 ready', '3 ready']);
    expect(launchPass.launches.size).toBe(0);
  });

  test('begins nothing whose turn comes while the farm is frozen; a pass after that does', async () => {
    const bench = benchOf(3, 1);
    let isFrozen = false;
    const launchPass = { ...bench.startProcess().launchPass, isFrozen: () => isFrozen };
    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();

    isFrozen = true;
    await passTime(bench.clock, 2_000);
    const whileFrozen = statesOf(bench);
    isFrozen = false;
    await runLaunchPass(launchPass, neverAborted);
    await passTime(bench.clock, 4_000);

    expect(whileFrozen).toEqual(['ready', 'building', 'building']);
    expect(statesOf(bench)).toEqual(['ready', 'ready', 'ready']);
  });

  test('launches by the configuration of the moment when its turn comes', async () => {
    const bench = benchOf(2, 1);
    const { launchPass } = bench.startProcess();
    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();

    bench.config = { ...bench.config, labels: [aLabel({ name: 'other' })] };
    await passTime(bench.clock, 2_000);
    const left = bench.node(2).state;
    await runLaunchPass(launchPass, neverAborted);

    expect([left, bench.node(2).state]).toEqual(['building', 'delete']);
    expect(bench.cloud.servers.size).toBe(1);
  });
});

describe('LaunchTurns', () => {
  test('of one provider hold up no other', () => {
    const turns = new LaunchTurns();
    turns.allow('full', 1);
    turns.ask('full');

    expect([turns.ask('full').hasCome, turns.ask('other').hasCome]).toEqual([false, true]);
  });

  test('come in the order of asking, past whoever was aborted meanwhile', async () => {
    const turns = new LaunchTurns();
    turns.allow('p', 1);
    const first = turns.ask('p');
    const aborted = turns.ask('p');
    const third = turns.ask('p');
    const leaving = new AbortController();
    const wait = aborted.wait(leaving.signal).finally(() => {
      aborted[Symbol.dispose]();
    });
    leaving.abort(new Error('It is deleted'));
    await expect(wait).rejects.toThrow('It is deleted');

    first[Symbol.dispose]();
    await third.wait(neverAborted);

    expect(third.hasCome).toBe(true);
  });

  test('are not lost where an abort comes together with the turn, nor given twice where one is ended twice', async () => {
    const turns = new LaunchTurns();
    turns.allow('p', 1);
    const first = turns.ask('p');
    const second = turns.ask('p');
    const leaving = new AbortController();
    const wait = second.wait(leaving.signal).finally(() => {
      second[Symbol.dispose]();
    });

    first[Symbol.dispose]();
    first[Symbol.dispose]();
    leaving.abort(new Error('It is deleted'));
    await wait;

    expect([turns.ask('p').hasCome, turns.ask('p').hasCome]).toEqual([true, false]);
  });
});
