import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandomness } from '../../fuzz/seeded-randomness.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { askForBuild, type ImageScene, killAt, type RoundReport, untilQuiet } from './image-round.ts';
import { ImageFarm } from './image-farm.ts';
import { type ImageKill, type ImageVictim, MATRIX, type Moment, MOMENTS } from './moments.ts';
import { UploadWatch } from './upload-watch.ts';

export type ImageCrashOrder = {
  readonly seed: string;
  readonly victims: readonly ImageVictim[];
  /** Kills of each victim: at the moments of the matrix first, then at random ones. */
  readonly rounds: number;
  /** At these moments instead. */
  readonly moments?: readonly Moment[];
};

export type ImageCrashReport = {
  readonly kills: number;
  /** Kills whose moment did not come. */
  readonly missed: number;
  /** One line for each promise that was not kept. */
  readonly broken: readonly string[];
  /** How often disk-image-create ran. */
  readonly builds: number;
  readonly seconds: number;
  /** What our programs said. */
  readonly logs: readonly string[];
};

/** The kills of an order, in turn. */
export function killsOf(
  { victims, rounds, moments }: ImageCrashOrder,
  randomness: SeededRandomness,
): readonly ImageKill[] {
  return victims.flatMap((victim) => {
    const planned: readonly Moment[] = moments ?? MATRIX[victim];
    return Array.from({ length: rounds }, (_, round) => ({
      victim,
      moment: planned[round] ?? randomness.pick(moments ?? MOMENTS),
    }));
  });
}

/** Starts a farm that makes disk images, kills the victims in turn while it does, and looks each time what is left. */
export async function runImageCrashes(
  order: ImageCrashOrder,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ImageCrashReport> {
  const randomness = new SeededRandomness(order.seed);
  const kills = killsOf(order, randomness);
  await using farm = await ImageFarm.start();
  const beganMs = systemClock.monotonicMs();
  await comeUp(farm, signal);
  await using watch = new UploadWatch(farm);
  const broken: string[] = [];
  let [done, missed] = [0, 0];
  for (const kill of kills) {
    if (signal.aborted) break;
    const report = await killAt(kill, { farm, randomness, signal } satisfies ImageScene);
    done += 1;
    if (!report.isReached) missed += 1;
    broken.push(...report.broken.map((line) => `${kill.victim} at ${kill.moment}: ${line}`));
    say(lineOf({ ...kill, number: done, of: kills.length }, report));
    for (const line of report.broken) say(`  ${line}`);
  }
  const told = linesOf(join(farm.slot.evidenceDir, 'twice'));
  return {
    ...{ kills: done, missed, broken: [...broken, ...told, ...watch.doubled] },
    builds: linesOf(join(farm.slot.evidenceDir, 'builds')).length,
    seconds: Math.round((systemClock.monotonicMs() - beganMs) / 1000),
    logs: farm.logs,
  };
}

/** A fair start: both providers have an image. */
async function comeUp(farm: ImageFarm, signal: AbortSignal): Promise<void> {
  await farm.startProgram('builder');
  await farm.startProgram('nodepoold');
  await farm.untilRunning('builder');
  await farm.untilRunning('nodepoold');
  await askForBuild(farm);
  const left = await untilQuiet(farm, { older: 0, signal });
  if (left.length > 0 && !signal.aborted) {
    throw new Error(`The farm does not come up: ${left.join(', ')}\n${farm.logs.slice(-40).join('\n')}`);
  }
}

type Numbered = ImageKill & { readonly number: number; readonly of: number };

function lineOf({ victim, moment, number, of }: Numbered, { isReached, broken, seconds }: RoundReport): string {
  const result = broken.length > 0 ? `${broken.length} promises BROKEN` : 'all promises kept';
  const end = isReached ? `killed, ${result}` : `not reached, ${result}`;
  return `${number}/${of} ${victim} at ${moment}: ${end}, ${seconds} s`;
}

function linesOf(path: string): readonly string[] {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
}
