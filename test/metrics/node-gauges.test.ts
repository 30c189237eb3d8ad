import { expect, test } from 'vitest';
import { nodeGauges } from '../../src/metrics/node-gauges.ts';

const asItIs = (name: string): string => name;

function valuesOf(gauges: ReadonlyMap<string, number>, key: string): readonly (number | undefined)[] {
  return ['building', 'ready', 'used', 'test', 'hold', 'delete'].map((state) => gauges.get(`${key}.nodes.${state}`));
}

test('all six states of all that is configured are there, zeros included, and each provider’s max_servers', () => {
  const config = {
    labels: [{ name: 'l', subnodes: 0 }],
    providers: [{ name: 'p', maxServers: -1 }],
    targets: [{ name: 't' }],
  };

  const gauges = nodeGauges([], config, asItIs);

  for (const key of ['nodepool', 'nodepool.label.l', 'nodepool.provider.p', 'nodepool.target.t']) {
    expect(valuesOf(gauges, key)).toEqual([0, 0, 0, 0, 0, 0]);
  }
  expect(gauges.get('nodepool.provider.p.max_servers')).toBe(-1);
  expect(gauges.size).toBe(4 * 6 + 1);
});

test('a node counts once for the farm, its target, its label and its provider, with its label’s subnodes', () => {
  const config = {
    labels: [
      { name: 'single', subnodes: 0 },
      { name: 'multi', subnodes: 2 },
    ],
    providers: [{ name: 'p', maxServers: 10 }],
    targets: [{ name: 't' }],
  };
  const of = { provider: 'p', target: 't', subnodes: 0 };

  const gauges = nodeGauges(
    [
      { ...of, label: 'single', state: 'ready', count: 3 },
      { ...of, label: 'multi', state: 'ready', count: 2 },
      { ...of, label: 'multi', state: 'building', count: 1 },
    ],
    config,
    asItIs,
  );

  expect(valuesOf(gauges, 'nodepool')).toEqual([3, 9, 0, 0, 0, 0]);
  expect(valuesOf(gauges, 'nodepool.provider.p')).toEqual([3, 9, 0, 0, 0, 0]);
  expect(valuesOf(gauges, 'nodepool.target.t')).toEqual([3, 9, 0, 0, 0, 0]);
  expect(valuesOf(gauges, 'nodepool.label.single')).toEqual([0, 3, 0, 0, 0, 0]);
  expect(valuesOf(gauges, 'nodepool.label.multi')).toEqual([3, 6, 0, 0, 0, 0]);
});

test('nodes whose label, provider and target left the configuration still count', () => {
  const gone = { label: 'l', provider: 'p', target: 't', state: 'delete', count: 2, subnodes: 0 } as const;

  const gauges = nodeGauges([gone], { labels: [], providers: [], targets: [] }, asItIs);

  expect(gauges.get('nodepool.nodes.delete')).toBe(2);
  expect(gauges.get('nodepool.label.l.nodes.delete')).toBe(2);
  expect(gauges.has('nodepool.provider.p.max_servers')).toBe(false);
});
