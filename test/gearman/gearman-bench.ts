import { TaskBoard } from '../../src/runtime/task-board.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

/** What clients, workers and sources of these tests are built with. */
export function gearmanBench(): {
  readonly clock: FakeClock;
  readonly log: RecordingLogger;
  readonly randomness: CountingRandomness;
  readonly tasks: TaskBoard;
} {
  const clock = new FakeClock();
  return { clock, log: new RecordingLogger(), randomness: new CountingRandomness(), tasks: new TaskBoard(clock) };
}
