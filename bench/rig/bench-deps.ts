import { systemClock } from '../../src/runtime/clock.ts';
import { plainLogging } from '../../src/runtime/logging/plain-logging.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';

/** The real clock and so on. Logs as `nodepoold -d` does: what it costs to log belongs to the figures. */
export function benchDeps() {
  return {
    clock: systemClock,
    randomness: systemRandomness,
    log: plainLogging({ level: 'debug', json: false }, systemClock).logger('nodepool'),
    tasks: new TaskBoard(systemClock),
  } as const;
}
