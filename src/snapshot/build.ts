/** Snapshot: an image made by booting a server from a base image, running a setup script on it and saving it. */
import type { ProviderConfig, ProviderImageConfig } from '../config/config.ts';
import type { ImageFailures } from '../image/image-failures.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { Credential, KeyPairs, QuoteForShell, RemoteMachines } from '../provider/remote-machine.ts';
import type { BuildLogPlace } from '../runtime/build-log.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Task } from '../runtime/task-board.ts';

/** What a build is about: the row and the sections of the configuration that describe it. */
export type Build = {
  readonly row: SnapshotImage;
  readonly provider: ProviderConfig;
  readonly image: ProviderImageConfig;
  /** Local folder whose regular files go to the machine. */
  readonly scriptDir: string | undefined;
  /** Where the setup script's output is kept; undefined: in the log only. */
  readonly buildLog: BuildLogPlace | undefined;
};

export type BuildDeps = {
  readonly images: ImageStore;
  readonly cloud: CloudProvider;
  readonly machines: RemoteMachines;
  readonly keyPairs: KeyPairs;
  readonly quoteForShell: QuoteForShell;
  readonly metrics: Pick<NodeMetrics, 'imageUpdated'>;
  readonly imageFailures: ImageFailures;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  /** `nodepool.image.build.PROVIDER.IMAGE`: the setup script's output. */
  readonly outputLog: Logger;
  readonly task: Task;
  readonly installationId: string;
  readonly scriptEnvironment: Readonly<Record<string, string>>;
  /** The account's own keys (`~/.ssh/id_*`), used where the provider names a `keypair`. */
  readonly accountKeys: readonly Credential[];
  /** Names of Nova keypairs that are not ours to delete. */
  readonly operatorKeypairs: ReadonlySet<string>;
};

/** The build is lost: its row goes to `delete`, the reason is kept, and the next try waits a while. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

/** An earlier process began this build and did not come to the point from which it can be resumed. */
export class BuildInterruptedError extends Error {
  override readonly name = 'BuildInterruptedError';
}

/** The row was deleted while the image was being built. */
export class BuildEndedError extends Error {
  override readonly name = 'BuildEndedError';
}
