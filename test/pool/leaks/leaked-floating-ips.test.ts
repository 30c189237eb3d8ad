import { describe, expect, test } from 'vitest';
import type { FloatingIp } from '../../../src/provider/cloud-provider.ts';
import { floatingNote } from '../../../src/provider/floating-note.ts';
import { aProvider } from '../../builders/a-config.ts';
import { aReadyNode } from '../../builders/a-node.ts';
import { INSTALLATION } from '../pool-bench.ts';
import { LeakBench } from './leak-bench.ts';

const noteOf = (id: number, installation = INSTALLATION): string => floatingNote({ kind: 'node', id, installation });

function aFloating(id: string, facts: Partial<FloatingIp> = {}): FloatingIp {
  return { id, ip: '203.0.113.7', note: '', isBound: false, ...facts };
}

function benchWith(
  floating: readonly FloatingIp[],
  options: ConstructorParameters<typeof LeakBench>[0] = {},
): LeakBench {
  const bench = new LeakBench(options);
  for (const each of floating) bench.cloud.floating.add(each);
  return bench;
}

const idsIn = (bench: LeakBench): readonly string[] => bench.cloud.floating.all.map(({ id }) => id);

describe('floating addresses', () => {
  test('of a node that is gone are deleted when a second look sees them too, bound or not', async () => {
    const bench = benchWith([
      aFloating('leaked', { note: noteOf(7) }),
      aFloating('bound', { note: noteOf(8), isBound: true, serverId: 'server-8' }),
    ]);

    await bench.pass();
    const afterOne = idsIn(bench);
    await bench.clock.advance(60_000);
    await bench.pass();

    expect(afterOne).toEqual(['leaked', 'bound']);
    expect(idsIn(bench)).toEqual([]);
    expect(bench.said).toContain('Deleting leaked floating IP 203.0.113.7 (leaked) in fake-provider');
  });

  test('of a node that is there stay, also of a node that another provider of ours in the project has', async () => {
    const bench = benchWith([aFloating('one', { note: noteOf(1) }), aFloating('two', { note: noteOf(2) })], {
      nodes: [aReadyNode({ id: 1 }), aReadyNode({ id: 2, provider: 'other' })],
    });

    await bench.passTwice();

    expect(idsIn(bench)).toEqual(['one', 'two']);
  });

  test("of others stay: another Nodepool's, and everybody's without a note", async () => {
    const another = noteOf(7, '22222222-2222-4222-8222-222222222222');
    const bench = benchWith([aFloating('another', { note: another }), aFloating('web')]);

    await bench.passTwice();

    expect(idsIn(bench)).toEqual(['another', 'web']);
  });

  test('that lead nowhere for ten minutes are deleted where nobody else uses the project', async () => {
    const bench = benchWith([aFloating('free'), aFloating('bound', { isBound: true })], {
      config: { providers: [aProvider({ cleanFloatingIps: true })] },
    });

    for (let minutes = 0; minutes < 10; minutes += 1) {
      await bench.pass();
      await bench.clock.advance(60_000);
    }
    const before = idsIn(bench);
    await bench.pass();

    expect(before).toEqual(['free', 'bound']);
    expect(idsIn(bench)).toEqual(['bound']);
  });

  test('that are too many at once stay, all of them: the database may be the wrong one', async () => {
    const many = Array.from({ length: 5 }, (_, index) => aFloating(`f${index}`, { note: noteOf(100 + index) }));
    const bench = benchWith(many);

    await bench.passTwice();

    expect(idsIn(bench)).toHaveLength(5);
    expect(bench.said).toContain('fake-provider holds 5 floating addresses of ours that the database does not know');
  });
});
