import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { runRegistrationPass } from '../../src/pool/registration-pass.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { aJenkins, aLabel, aTarget } from '../builders/a-config.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes, nameOf } from './bench-with-nodes.ts';
import { Life } from './life.ts';
import type { PoolBench, PoolBenchOptions, PoolProcess } from './pool-bench.ts';
import { settlePool } from './settle-pool.ts';

const OPERATOR = { who: 'cli:root', why: 'test' };

/** Nodes that are not agents yet. */
function unregistered(facts: readonly Partial<Node>[], options: PoolBenchOptions = {}): PoolBench {
  const bench = benchWithNodes(facts, options);
  for (const node of bench.nodes.all()) {
    bench.nodes.put(definedOnly({ ...node, registeredAt: undefined }));
    if (node.nodename !== undefined) bench.agents.drop(node.nodename);
  }
  return bench;
}

async function pass({ registrationPass }: PoolProcess): Promise<void> {
  await runRegistrationPass(registrationPass, neverAborted);
  await registrationPass.launches.settled();
}

describe('the registration pass', () => {
  test('makes each ready node an agent that is none yet, and stores when', async () => {
    const bench = unregistered([{}, {}]);

    await pass(bench.startProcess());

    expect(bench.agents.nodenames).toEqual([nameOf(1), nameOf(2)]);
    expect(bench.agents.agent(nameOf(1))).toMatchObject({ host: '10.0.0.1', labels: ['trusty', nameOf(1)] });
    expect(bench.nodes.all().every(({ registeredAt }) => registeredAt !== undefined)).toBe(true);
  });

  test.each(['building', 'used', 'hold', 'delete'] as const)(
    'does not make an agent of a node in %s',
    async (state) => {
      const bench = unregistered([{ state }]);

      await pass(bench.startProcess());

      expect(bench.agents.calls).toEqual([]);
    },
  );

  test('does not ask twice for a node that is registered', async () => {
    const bench = unregistered([{}]);
    const process = bench.startProcess();

    await pass(process);
    await pass(process);

    expect(bench.agents.calls).toEqual(['ensure']);
  });

  test('tries again on the next pass when Jenkins was away', async () => {
    const bench = unregistered([{}]);
    const process = bench.startProcess();
    bench.agents.failNext('ensure', new TransientProviderError('503'));

    await pass(process);
    expect(bench.node().registeredAt).toBeUndefined();
    await pass(process);

    expect(bench.agents.nodenames).toEqual([nameOf(1)]);
  });

  test('finds the agent made whose answer was lost', async () => {
    const bench = unregistered([{}]);
    const process = bench.startProcess();
    bench.agents.loseNextAnswer('ensure');

    await pass(process);
    await pass(process);

    expect(bench.agents.nodenames).toEqual([nameOf(1)]);
    expect(bench.node().registeredAt).toBeDefined();
  });

  test('registers a node in test without its label, and starts its test job', async () => {
    const targets = [aTarget({ jenkins: aJenkins({ testJob: 'acceptance' }) })];
    const bench = unregistered([{ state: 'test' }], { config: { targets } });

    await pass(bench.startProcess());

    expect(bench.agents.agent(nameOf(1)).labels).toEqual([nameOf(1)]);
    expect(bench.agents.testJobs).toEqual([{ job: 'acceptance', nodename: nameOf(1) }]);
  });

  test('has nothing to do where the label left the configuration, or the target has no Jenkins', async () => {
    const other = unregistered([{}], { config: { labels: [aLabel({ name: 'other' })] } });
    const target = definedOnly({ ...aTarget(), jenkins: undefined });
    const without = unregistered([{}], { config: { targets: [target] } });

    await pass(other.startProcess());
    await pass(without.startProcess());

    expect([other.agents.calls, without.agents.calls]).toEqual([[], []]);
  });
});

describe.each(['held', 'deleted'] as const)('a node that is %s while it is registered', (event) => {
  test('whenever that is, never leaves an agent that takes jobs', async () => {
    const count = await callsOf();

    for (let call = 1; call <= count; call += 1) {
      const bench = unregistered([{}]);
      const life = new Life();
      life.beforeCall = async (n) => {
        if (n === call) await bench.nodes.apply(bench.node(), event, OPERATOR);
      };
      bench.wrap = life.wrap;
      await pass(bench.startProcess());
      await settlePool(bench);

      expect(bench.agents.nodenames, `${event} before call ${call}, ${life.calls[call - 1] ?? 'none'}`).toEqual([]);
      expect(bench.nodes.all().map(({ state }) => state)).toEqual(event === 'held' ? ['hold'] : []);
    }
    expect(count).toBeGreaterThan(3);
  });
});

async function callsOf(): Promise<number> {
  const bench = unregistered([{}]);
  const life = new Life();
  bench.wrap = life.wrap;
  await pass(bench.startProcess());
  return life.calls.length;
}
