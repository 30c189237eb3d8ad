import { NODE_STATES, type NodeState } from '../node/lifecycle.ts';
import type { NodeCount } from '../node/node-store.ts';
import type { MetricName } from './metric-name.ts';

/** What the gauges are about: all that is configured shows, with zeros. */
export type GaugedConfig = {
  readonly labels: readonly { readonly name: string; readonly subnodes: number }[];
  readonly providers: readonly { readonly name: string; readonly maxServers: number }[];
  readonly targets: readonly { readonly name: string }[];
};

/** The gauges of node states by farm, target, label and provider (upstream: updateStats). A node counts with its subnodes. */
export function nodeGauges(
  counts: readonly NodeCount[],
  config: GaugedConfig,
  nameOf: MetricName,
): ReadonlyMap<string, number> {
  const gauges = new Map<string, number>();
  const prefixes = [
    'nodepool',
    ...config.targets.map(({ name }) => `nodepool.target.${nameOf(name)}`),
    ...config.labels.map(({ name }) => `nodepool.label.${nameOf(name)}`),
    ...config.providers.map(({ name }) => `nodepool.provider.${nameOf(name)}`),
  ];
  for (const prefix of prefixes) for (const state of NODE_STATES) gauges.set(stateKey(prefix, state), 0);
  const subnodes = new Map(config.labels.map((label) => [label.name, label.subnodes]));
  for (const { label, target, provider, state, count } of counts) {
    const servers = count * (1 + (subnodes.get(label) ?? 0));
    for (const prefix of [
      'nodepool',
      `nodepool.target.${nameOf(target)}`,
      `nodepool.label.${nameOf(label)}`,
      `nodepool.provider.${nameOf(provider)}`,
    ]) {
      const key = stateKey(prefix, state);
      gauges.set(key, (gauges.get(key) ?? 0) + servers);
    }
  }
  for (const { name, maxServers } of config.providers) {
    gauges.set(`nodepool.provider.${nameOf(name)}.max_servers`, maxServers);
  }
  return gauges;
}

function stateKey(prefix: string, state: NodeState): string {
  return `${prefix}.nodes.${state}`;
}
