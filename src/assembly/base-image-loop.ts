import type { ControlLoop } from '../runtime/control-loop.ts';
import { runBaseImagePass } from '../snapshot/base-image-pass.ts';
import type { Daemon } from './daemon.ts';
import { imagePassDeps } from './pass-deps.ts';

/** One call for each base image that is watched; operators replace these by the day. */
const LOOK_MS = 300_000;

/** Looks whether base images were replaced. */
export function baseImageLoop(daemon: Daemon): ControlLoop {
  return {
    name: 'base images',
    intervalMs: LOOK_MS,
    pass: async (signal) => {
      await daemon.idCheck.done(signal);
      await runBaseImagePass({ ...imagePassDeps(daemon, false), eachProvider: daemon.lookingAtBases }, signal);
    },
  };
}
