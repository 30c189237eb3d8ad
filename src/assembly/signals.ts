import { setMaxListeners } from 'node:events';
import { Session } from 'node:inspector';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import type { Wakeup } from '../runtime/wakeup.ts';
import { dumpTasks } from './stack-dump.ts';

/** The operator asked the daemon to end. */
export class StopError extends Error {
  override readonly name = 'StopError';
}

export type SignalDeps = {
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly clock: Clock;
  readonly reload: Wakeup;
  readonly reopenLogs: () => void;
};

const STOPPING = ['SIGINT', 'SIGUSR1', 'SIGTERM'] as const;

/**
 * Upstream's signals: SIGINT, SIGUSR1 and SIGTERM end gracefully, a second one at once; SIGHUP reads the configuration
 * again and reopens log files; SIGUSR2 dumps the tasks and begins a CPU profile, the next one ends it.
 */
export function listenToSignals(deps: SignalDeps): Disposable & { readonly stop: AbortSignal } {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // every loop and task listens to it
  const profiler = new Profiler(deps);
  const onStop = (name: NodeJS.Signals): void => {
    if (stopping.signal.aborted) process.exit(1);
    deps.log.info(`Stopping after ${name}; a second signal stops at once`);
    stopping.abort(new StopError(`Stopped by ${name}`));
  };
  const onReload = (): void => {
    deps.reopenLogs();
    deps.reload.wake();
  };
  const onDump = (): void => {
    dumpTasks(deps);
    profiler.toggle();
  };
  for (const name of STOPPING) process.on(name, onStop);
  process.on('SIGHUP', onReload);
  process.on('SIGUSR2', onDump);
  return {
    stop: stopping.signal,
    [Symbol.dispose]: () => {
      for (const name of STOPPING) process.off(name, onStop);
      process.off('SIGHUP', onReload);
      process.off('SIGUSR2', onDump);
    },
  };
}

/** A CPU profile between two dumps (upstream: yappi on every second SIGUSR2). */
class Profiler {
  readonly #deps: SignalDeps;
  #session: Session | undefined;

  constructor(deps: SignalDeps) {
    this.#deps = deps;
  }

  toggle(): void {
    if (this.#session === undefined) {
      this.#session = new Session();
      this.#session.connect();
      this.#session.post('Profiler.enable');
      this.#session.post('Profiler.start');
      return;
    }
    const session = this.#session;
    this.#session = undefined;
    session.post('Profiler.stop', (error, result) => {
      session.disconnect();
      if (error !== null) return;
      const path = join(tmpdir(), `nodepoold-${process.pid}-${this.#deps.clock.now().getTime()}.cpuprofile`);
      writeFileSync(path, JSON.stringify(result.profile), { mode: 0o600, flag: 'wx' }); // never through a link that waits there
      this.#deps.log.child('stack_dump').info(`CPU profile written to ${path}`);
    });
  }
}
