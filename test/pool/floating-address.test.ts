import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { deleteNode } from '../../src/pool/delete-node.ts';
import { launchNode } from '../../src/pool/launch-node.ts';
import { floatingNote, parseFloatingNote } from '../../src/provider/floating-note.ts';
import { QuotaExceededError, TransientProviderError } from '../../src/provider/errors.ts';
import { aNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { INSTALLATION, PoolBench } from './pool-bench.ts';

/** A pool in a cloud whose servers need a floating address. */
function benchWithFloating(): PoolBench {
  const bench = new PoolBench();
  bench.cloud.floating.needed = true;
  return bench;
}

async function launch(bench: PoolBench): Promise<Node> {
  await launchNode(bench.launch(), bench.launchDeps(), neverAborted);
  return bench.node();
}

/** The node, launched and to be deleted. */
async function launchToDelete(bench: PoolBench): Promise<Node> {
  const cause = { who: 'operator', why: 'A test' };
  const marked = await bench.nodes.apply(await launch(bench), 'deleted', cause);
  if (marked === undefined) throw new Error('The row changed meanwhile');
  return marked;
}

describe('the floating address of a node', () => {
  test('is where the node is reached, and bears the node', async () => {
    const bench = benchWithFloating();

    const node = await launch(bench);

    expect(node).toMatchObject({ state: 'ready', ip: '203.0.113.1' });
    expect(node.privateIp).not.toBe('203.0.113.1');
    const [floating] = bench.cloud.floating.all;
    expect(parseFloatingNote(floating?.note ?? '')).toEqual({ kind: 'node', id: 1, installation: INSTALLATION });
  });

  test('is given back with the node, though its server went before', async () => {
    const bench = benchWithFloating();
    const node = await launchToDelete(bench);

    await deleteNode(node, bench.deleteDeps(), neverAborted);

    expect(bench.cloud.floating.all).toEqual([]);
    expect(bench.nodes.all()).toEqual([]);
  });

  test('is asked for again when it was not given back: the row is the proof of it', async () => {
    const bench = benchWithFloating();
    const node = await launchToDelete(bench);
    bench.cloud.failNext('releaseFloatingIps', new TransientProviderError('Neutron is away'));

    await expect(deleteNode(node, bench.deleteDeps(), neverAborted)).rejects.toThrow('Neutron is away');
    const kept = bench.node();
    await deleteNode(node, bench.deleteDeps(), neverAborted);

    expect(kept.state).toBe('delete');
    expect(bench.cloud.floating.all).toEqual([]);
  });

  test('costs no call where the node is reached by its fixed address', async () => {
    const bench = new PoolBench();
    const node = await launchToDelete(bench);

    await deleteNode(node, bench.deleteDeps(), neverAborted);

    expect(bench.cloud.calls).not.toContain('releaseFloatingIps');
  });

  test('is looked for where the launch ended before it was stored', async () => {
    const bench = benchWithFloating();
    bench.cloud.loseNextAnswer('makeReachable');
    await expect(launch(bench)).rejects.toThrow();
    const leftBehind = bench.cloud.floating.all.length;

    await deleteNode(bench.node(), bench.deleteDeps(), neverAborted);

    expect(leftBehind).toBe(1);
    expect(bench.cloud.floating.all).toEqual([]);
  });

  test('without one left there is no room: the node goes, and the provider pauses', async () => {
    const bench = benchWithFloating();
    bench.cloud.failNext('makeReachable', new QuotaExceededError('fake-provider', 'No address is left'));

    await expect(launch(bench)).rejects.toBeInstanceOf(QuotaExceededError);

    expect(bench.node().state).toBe('delete');
  });
});

describe('a floating address that leads nowhere', () => {
  const another = '22222222-2222-4222-8222-222222222222';

  test.each<[string, string, string]>([
    ['is used again where its node is gone', noteOf(77), '198.51.100.1'],
    ['stays where its node is there: that may come back for it', noteOf(2), '203.0.113.1'],
    ["stays where it is another Nodepool's", noteOf(77, another), '203.0.113.1'],
    ['stays where it bears no note of a Nodepool', 'web server', '203.0.113.1'],
  ])('%s', async (_, note, expected) => {
    const bench = benchWithFloating();
    bench.nodes.put(aNode({ id: 2, state: 'delete' }));
    bench.cloud.floating.add({ id: 'free', ip: '198.51.100.1', note, isBound: false });

    const { ip } = await launch(bench);

    expect(ip).toBe(expected);
    const found = bench.cloud.floating.all.find((floating) => floating.id === 'free');
    expect(found?.note).toBe(expected === '198.51.100.1' ? noteOf(1) : note);
  });
});

function noteOf(id: number, installation = INSTALLATION): string {
  return floatingNote({ kind: 'node', id, installation });
}

describe('the note on a floating address', () => {
  test('names its owner, and nobody else is taken for one', () => {
    const owner = { kind: 'build', id: 12, installation: INSTALLATION } as const;

    expect(parseFloatingNote(floatingNote(owner))).toEqual(owner);
    for (const note of ['', 'web server', 'nodepool node x (a)', `${floatingNote(owner)} `, 'nodepool image 1 (a)']) {
      expect(parseFloatingNote(note)).toBeUndefined();
    }
  });
});
