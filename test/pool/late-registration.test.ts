import { expect, test } from 'vitest';
import { registerAgent } from '../../src/pool/register-agent.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes } from './bench-with-nodes.ts';
import type { PoolBench } from './pool-bench.ts';

/** A node that is ready and was never registered, as a backup may hold it long afterwards. */
function unregistered(state: 'ready' | 'test' = 'ready'): PoolBench {
  const bench = benchWithNodes([{ state }]);
  bench.nodes.put(definedOnly({ ...bench.node(), registeredAt: undefined }));
  bench.agents.drop(bench.node().nodename ?? '');
  return bench;
}

async function register(bench: PoolBench): Promise<void> {
  const { cloud } = bench;
  const findServer = (id: string, signal: AbortSignal) => cloud.findServer(id, signal);
  await registerAgent(bench.launch(), { ...bench.launchDeps(), findServer }, neverAborted);
}

test.each(['ready', 'test'] as const)(
  'a node in %s whose server is gone goes: another machine may have its address, and a job on it',
  async (state) => {
    const bench = unregistered(state);
    bench.cloud.servers.remove('server-1');

    await register(bench);

    expect(bench.agents.calls).toEqual([]);
    expect(bench.node().state).toBe('delete');
  },
);

test('one whose server is there is registered', async () => {
  const bench = unregistered();

  await register(bench);

  expect(bench.agents.nodenames).toEqual([bench.node().nodename]);
});

test('one whose cloud does not say is left for later', async () => {
  const bench = unregistered();
  bench.cloud.failNext('findServer', new TransientProviderError('Nova answers 503'));

  await expect(register(bench)).rejects.toThrow('Nova answers 503');

  expect(bench.agents.calls).toEqual([]);
  expect(bench.node().state).toBe('ready');
});
