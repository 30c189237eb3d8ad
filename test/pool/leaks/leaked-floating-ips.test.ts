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

/** A pass, and a minute; so many times. */
async function passMinutes(bench: LeakBench, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await bench.pass();
    await bench.clock.advance(60_000);
  }
}

const idsIn = (bench: LeakBench): readonly string[] => bench.cloud.floating.all.map(({ id }) => id);

describe('floating addresses', () => {
  test('of a node that is gone are deleted when they lead nowhere for ten minutes; what is bound may be in use', async () => {
    const bench = benchWith([
      aFloating('leaked', { note: noteOf(7) }),
      aFloating('bound', { note: noteOf(8), isBound: true, serverId: 'server-8' }),
    ]);

    await passMinutes(bench, 10);
    const before = idsIn(bench);
    await bench.pass();

    expect(before).toEqual(['leaked', 'bound']);
    expect(idsIn(bench)).toEqual(['bound']);
    expect(bench.said).toContain('Deleting leaked floating IP 203.0.113.7 (leaked) in fake-provider');
  });

  test('that a launch takes between look and deletion stay', async () => {
    const bench = benchWith([aFloating('leaked', { note: noteOf(7), revision: 1 })]);
    const list = bench.cloud.listFloatingIps.bind(bench.cloud);
    bench.cloud.listFloatingIps = async (signal) => {
      const listed = await list(signal);
      bench.cloud.floating.add(aFloating('leaked', { note: noteOf(9), revision: 2, isBound: true }));
      return listed.map((each) => ({ ...each, note: noteOf(7), revision: 1, isBound: false }));
    };

    await passMinutes(bench, 11);

    expect(idsIn(bench)).toEqual(['leaked']);
    expect(bench.said).toContain('Floating IP 203.0.113.7 (leaked) in fake-provider stays: it was taken meanwhile');
  });

  test('of a node that is there stay, also of a node that another provider of ours in the project has', async () => {
    const bench = benchWith([aFloating('one', { note: noteOf(1) }), aFloating('two', { note: noteOf(2) })], {
      nodes: [aReadyNode({ id: 1 }), aReadyNode({ id: 2, provider: 'other' })],
    });

    await passMinutes(bench, 11);

    expect(idsIn(bench)).toEqual(['one', 'two']);
  });

  test("of others stay: another Nodepool's, and everybody's without a note", async () => {
    const another = noteOf(7, '22222222-2222-4222-8222-222222222222');
    const bench = benchWith([aFloating('another', { note: another }), aFloating('web')]);

    await passMinutes(bench, 11);

    expect(idsIn(bench)).toEqual(['another', 'web']);
  });

  test('that lead nowhere for ten minutes are deleted where nobody else uses the project', async () => {
    const bench = benchWith([aFloating('free'), aFloating('bound', { isBound: true })], {
      config: { providers: [aProvider({ cleanFloatingIps: true })] },
    });

    await passMinutes(bench, 10);
    const before = idsIn(bench);
    await bench.pass();

    expect(before).toEqual(['free', 'bound']);
    expect(idsIn(bench)).toEqual(['bound']);
  });

  test('that are too many at once stay, all of them: the database may be the wrong one', async () => {
    const many = Array.from({ length: 5 }, (_, index) => aFloating(`f${index}`, { note: noteOf(100 + index) }));
    const bench = benchWith(many);

    await passMinutes(bench, 11);

    expect(idsIn(bench)).toHaveLength(5);
    expect(bench.said).toContain('fake-provider holds 5 floating addresses of ours that the database does not know');
  });
});
