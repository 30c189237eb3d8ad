import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { plainLogging } from '../../src/runtime/logging/plain-logging.ts';
import { type Randomness, systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';

export type BenchDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

/** The real clock and so on. Logs as `nodepoold -d` does: what it costs to log belongs to the figures. */
export function benchDeps(): BenchDeps {
  return {
    clock: systemClock,
    randomness: systemRandomness,
    log: plainLogging({ level: 'debug', json: false }, systemClock).logger('nodepool'),
    tasks: new TaskBoard(systemClock),
  };
}
