import type { Config, DiskImageConfig } from '../config/config.ts';
import type { DiskImageMetrics } from '../image/disk-image-metrics.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';

export type DiskImageBuild = {
  readonly dibImageId: number;
  readonly diskimage: DiskImageConfig;
  readonly config: Config;
  readonly imagesDir: string;
};

/** A build of which is known what it will be. */
export type PlannedBuild = DiskImageBuild & {
  readonly formats: readonly string[];
  /** Path of the files in the end, without their format. */
  readonly filename: string;
};

export type DiskImageBuildDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** `nodepool`: output goes to its child `image.build.DISKIMAGE`. */
  readonly log: Logger;
  readonly metrics: DiskImageMetrics;
  /** Name of this host. */
  readonly host: string;
  /** Of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default 1 GiB. */
  readonly leastFreeBytes?: number;
};
