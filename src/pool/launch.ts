import type { LabelConfig, ProviderConfig, ProviderImageConfig, TargetConfig } from '../config/config.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { Agents } from '../node/agents.ts';
import type { HistoryStore } from '../node/history-store.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { KeyPairs, QuoteForShell, RemoteMachines } from '../provider/remote-machine.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Task } from '../runtime/task-board.ts';

/** What a launch is about: the row and the sections of the configuration that it was allocated by. */
export type Launch = {
  readonly node: Node;
  readonly label: LabelConfig;
  readonly provider: ProviderConfig;
  readonly image: ProviderImageConfig;
  readonly target: TargetConfig;
};

export type LaunchDeps = {
  readonly nodes: NodeStore;
  readonly images: ImageStore;
  readonly history: Pick<HistoryStore, 'note'>;
  readonly cloud: CloudProvider;
  /** Absent where the target has no Jenkins. */
  readonly agents: Agents | undefined;
  readonly machines: RemoteMachines;
  readonly keyPairs: KeyPairs;
  readonly quoteForShell: QuoteForShell;
  readonly metrics: NodeMetrics;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly task: Task;
  readonly installationId: string;
  /** The daemon's variables `NODEPOOL_*`, for scripts. */
  readonly scriptEnvironment: Readonly<Record<string, string>>;
};
