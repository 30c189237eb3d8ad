import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TaskBoard } from '../runtime/task-board.ts';

/** Logs what every task does and waits on (upstream: SIGUSR2, logger nodepool.stack_dump, lines `Thread: NAME (ident)`). */
export function dumpTasks(deps: { readonly tasks: TaskBoard; readonly clock: Clock; readonly log: Logger }): void {
  const nowMs = deps.clock.now().getTime();
  const blocks = deps.tasks.list().map((task) => {
    const waitedS = ((nowMs - task.waitsSince.getTime()) / 1000).toFixed(1);
    const step = task.waitsOn === undefined ? 'runs' : `waits on ${task.waitsOn}`;
    return `Thread: ${task.name} (${task.id})\n  ${step} for ${waitedS} s, started ${task.startedAt.toISOString()}`;
  });
  const stack = new Error('Stack of the signal handler').stack ?? '';
  deps.log.child('stack_dump').debug(`${blocks.length} tasks\n${blocks.join('\n')}\nThread: MainThread (0)\n${stack}`);
}
