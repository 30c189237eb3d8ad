import type { Config } from '../config/config.ts';
import type { BuilderJobs } from '../image/builder-jobs.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import type { ImageFailures } from '../image/image-failures.ts';
import type { ImagePauseStore } from '../image/image-pause-store.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { DibWork } from './dib-work.ts';

/** What passes over disk images work with. */
export type DibPassDeps = {
  readonly images: ImageStore;
  readonly dibImages: DibImageStore;
  readonly imagePauses: Pick<ImagePauseStore, 'list'>;
  readonly jobs: BuilderJobs;
  readonly config: () => Config;
  /** Undefined: the provider is unknown. */
  readonly cloudOf: (provider: string) => CloudProvider | undefined;
  /** False: another daemon asks for what is missing (upstream: --no-launches, --no-images). */
  readonly asksForMissing: boolean;
  readonly work: DibWork;
  readonly metrics: Pick<NodeMetrics, 'imageUpdated'>;
  readonly imageFailures: ImageFailures;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly installationId: string;
};
