import type { Cause } from '../node/cause.ts';

/** An operator paused the builds of an image by a command, besides what the configuration pauses. */
export type ImagePause = {
  /** Of a disk image; where there is none of that name, of the providers' images. */
  readonly name: string;
  readonly since: Date;
  readonly who: string;
};

/** Keeps what operators paused (adapter: src/db). */
export interface ImagePauseStore {
  /** Ordered by name. */
  list(): Promise<readonly ImagePause[]>;
  /** False: it was paused already. */
  pause(name: string, cause: Pick<Cause, 'who'>): Promise<boolean>;
  /** False: it was not paused. */
  unpause(name: string): Promise<boolean>;
}
