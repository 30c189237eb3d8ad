import type { SeededRandomness } from '../fuzz/seeded-randomness.ts';
import type { CrashPoint } from '../src/runtime/crash-point.ts';
import type { LoggedProcess } from '../test/integration/logged-process.ts';
import type { CrashFarm } from './crash-farm.ts';

/** A farm under churn, and who works on it now. */
export type Scene = {
  readonly farm: CrashFarm;
  readonly randomness: SeededRandomness;
  /** The daemons that should be alive. */
  readonly daemons: LoggedProcess[];
  /** Crash points at which a daemon died. */
  readonly reached: Set<CrashPoint>;
};

/** Lets one daemon work, and no other. */
export async function leaveOneDaemon(scene: Scene): Promise<void> {
  for (const spare of scene.daemons.splice(1)) await spare.kill();
  if (scene.daemons[0]?.hasEnded !== false) scene.daemons[0] = scene.farm.startDaemon();
}
