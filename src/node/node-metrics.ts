import type { Node } from './node.ts';

/** How a launch ended, by upstream's keys below `nodepool.launch` (compatibility: statsd). */
export type LaunchOutcome =
  'ready' | 'error.nodepool' | 'error.status' | 'error.network' | 'error.auth' | 'error.ssh' | 'error.unknown';

/** What the workflows report (adapter: src/metrics). Never throws, never waits. */
export interface NodeMetrics {
  launchEnded(
    node: Node,
    launch: { readonly image: string; readonly outcome: LaunchOutcome; readonly ms: number },
  ): void;
  nodeDeleted(node: Node, deletion: { readonly image: string | undefined; readonly ms: number }): void;
  /** After `onFinalized` with SUCCESS. `ms` since the node was used. */
  jobSucceeded(
    node: Node,
    job: { readonly name: string; readonly branch: string | undefined; readonly ms: number },
  ): void;
  /** After each look for what leaked in a provider. */
  leaksSeen(provider: string, leaked: { readonly servers: number; readonly ports: number }): void;
  imageUpdated(image: { readonly provider: string; readonly image: string; readonly ms: number }): void;
}
