import { beforeEach, describe, expect, test } from 'vitest';
import { launchNode } from '../../src/pool/launch-node.ts';
import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { aLabel, aProvider, aProviderImage } from '../builders/a-config.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { letWorkGoOn, passTime } from './pass-time.ts';
import { PoolBench, type PoolBenchOptions } from './pool-bench.ts';

const ASKED = { labels: [aLabel({ consoleLog: true, readyScript: 'ready.sh' })] };

/** What the console of each server holds. */
let said: string;

beforeEach(() => {
  said = 'booting\r\nno network\n';
});

/** A pool whose machine answers, and whose ready script fails. */
function benchWith(config: PoolBenchOptions['config'] = ASKED): PoolBench {
  const bench = new PoolBench({ config });
  bench.machines.machine('10.0.0.1').results.set('ready.sh', { status: 1, lines: ['no'] });
  const read = bench.cloud.readConsole.bind(bench.cloud);
  bench.cloud.readConsole = async (...call) => {
    await read(...call); // with the fate that a test gave the call
    return said;
  };
  return bench;
}

async function fail(bench: PoolBench): Promise<void> {
  await expect(launchNode(bench.launch(), bench.launchDeps(), neverAborted)).rejects.toThrow();
}

function consolesOf(bench: PoolBench): readonly string[] {
  return bench.history.all().flatMap(({ event, why }) => (event === 'console' ? [why] : []));
}

describe('the console of a server whose launch failed', () => {
  test('is told in the log and kept in the history, before the deletion begins', async () => {
    const bench = benchWith();

    await fail(bench);

    expect(consolesOf(bench)).toEqual(['booting\nno network']);
    expect(bench.history.all().at(-1)).toMatchObject({ event: 'launchFailed' });
    expect(bench.log.messages('info')).toEqual(
      expect.arrayContaining([
        'Console of node id: 1, server server-1: 2 lines',
        'Node id: 1 console: booting',
        'Node id: 1 console: no network',
      ]),
    );
  });

  test('is read of a server in ERROR too, and where the image of the provider asks for it', async () => {
    const images = [aProviderImage({ consoleLog: true })];
    const bench = benchWith({ providers: [aProvider({ images })] });
    bench.cloud.failNextBoot();

    await fail(bench);

    expect(consolesOf(bench)).toEqual(['booting\nno network']);
  });

  test('is not read where nobody asks for it, nor where there is no server, nor after a launch that went well', async () => {
    const unasked = benchWith({ labels: [aLabel({ readyScript: 'ready.sh' })] });
    const without = benchWith();
    without.cloud.failNext('createServer', new TypeError('a bug'));
    const well = benchWith({ labels: [aLabel({ consoleLog: true })] });

    await fail(unasked);
    await fail(without);
    await launchNode(well.launch(), well.launchDeps(), neverAborted);

    for (const bench of [unasked, without, well]) expect(bench.cloud.calls).not.toContain('readConsole');
  });

  test('is cut to its last 100 lines and 16 KiB, and holds no zero byte, which the database would refuse', async () => {
    const many = benchWith();
    said = Array.from({ length: 300 }, (_, line) => `line ${line}\0`).join('\n');
    await fail(many);
    const long = benchWith();
    said = Array.from({ length: 90 }, (_, line) => `${line} ${'é'.repeat(500)}`).join('\n');
    await fail(long);

    const [ofMany = ''] = consolesOf(many);
    const [ofLong = ''] = consolesOf(long);
    expect(ofMany.split('\n')).toHaveLength(100);
    expect(ofMany.startsWith('line 200\n')).toBe(true);
    expect(Buffer.byteLength(ofLong)).toBeLessThanOrEqual(16 * 1024);
    expect(ofLong.startsWith('74 é')).toBe(true);
  });

  test('that is empty is told and not kept', async () => {
    const bench = benchWith();
    said = '';

    await fail(bench);

    expect(bench.log.messages('info')).toContain('Console of node id: 1, server server-1: 0 lines');
    expect(consolesOf(bench)).toEqual([]);
  });

  test('that the cloud refuses costs nothing: the node is deleted all the same', async () => {
    const bench = benchWith();
    bench.cloud.failNext('readConsole', new TransientProviderError('Nova is away'));

    await fail(bench);

    expect(bench.node().state).toBe('delete');
    expect(bench.log.messages('info')).toContain('Console of node id: 1 is not known: Nova is away');
  });

  test('that does not come is waited for no longer than ten seconds', async () => {
    const bench = benchWith();
    bench.cloud.hangNext('readConsole');

    const failed = fail(bench);
    await passTime(bench.clock, 9_900);
    const before = bench.node().state;
    await passTime(bench.clock, 200);
    await failed;

    expect([before, bench.node().state]).toEqual(['building', 'delete']);
  });

  test('does not hold up an operator who deletes the node meanwhile', async () => {
    const bench = benchWith();
    const { launchPass, deletionPass } = bench.startProcess();
    bench.cloud.hangNext('readConsole');
    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();

    await bench.nodes.apply(bench.node(), 'deleted', { who: 'cli:ada', why: 'test' });
    await runDeletionPass(deletionPass, neverAborted);
    await deletionPass.deletions.settled();

    expect(bench.nodes.all()).toEqual([]);
    expect(bench.log.messages('info').filter((line) => line.startsWith('Console'))).toEqual([]);
  });
});
