import { NODE_STATES, type NodeState } from '../node/lifecycle.ts';
import type { NodeCount } from '../node/node-store.ts';

/** What the gauges are about: all that is configured shows, with zeros. */
export type GaugedConfig = {
  readonly labels: readonly { readonly name: string; readonly subnodes: number }[];
  readonly providers: readonly { readonly name: string; readonly maxServers: number }[];
  readonly targets: readonly { readonly name: string }[];
};

/** The gauges of node states by farm, target, label and provider (upstream: updateStats). A node counts with its subnodes. */
export function nodeGauges(counts: readonly NodeCount[], config: GaugedConfig): ReadonlyMap<string, number> {
  const gauges = new Map<string, number>();
  const prefixes = [
    'nodepool',
    ...config.targets.map(({ name }) => `nodepool.target.${name}`),
    ...config.labels.map(({ name }) => `nodepool.label.${name}`),
    ...config.providers.map(({ name }) => `nodepool.provider.${name}`),
  ];
  for (const prefix of prefixes) for (const state of NODE_STATES) gauges.set(stateKey(prefix, state), 0);
  const subnodes = new Map(config.labels.map((label) => [label.name, label.subnodes]));
  for (const { label, target, provider, state, count } of counts) {
    const servers = count * (1 + (subnodes.get(label) ?? 0));
    for (const prefix of [
      'nodepool',
      `nodepool.target.${target}`,
      `nodepool.label.${label}`,
      `nodepool.provider.${provider}`,
    ]) {
      const key = stateKey(prefix, state);
      gauges.set(key, (gauges.get(key) ?? 0) + servers);
    }
  }
  for (const { name, maxServers } of config.providers) gauges.set(`nodepool.provider.${name}.max_servers`, maxServers);
  return gauges;
}

function stateKey(prefix: string, state: NodeState): string {
  return `${prefix}.nodes.${state}`;
}
