import { ConfigError, formatFault } from '../config/config-fault.ts';
import { systemClock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { LoggerTree } from '../runtime/logging/logger-tree.ts';
import { TaskBoard } from '../runtime/task-board.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { daemonize, DaemonEndedError, tellRunning } from './daemonize.ts';
import { type LoggingOptions, openLogging } from './open-logging.ts';
import { removePidFile } from './pid-file.ts';
import { UnreadableConfigError } from './read-config-files.ts';
import { listenToSignals } from './signals.ts';

/** What a program that lasts tells whoever started it. */
export type Starter = {
  /** Told why it cannot run, besides the log; which an operator who starts it may not see. */
  readonly complain?: (line: string) => void;
  /** Called once it does its work. */
  readonly onRunning?: () => void;
};

/** Where a program that lasts runs (upstream: -d, -p, -l). */
export type ProgramOptions = LoggingOptions & { readonly foreground: boolean; readonly pidfile: string };

/** Runs a program that lasts in this process, or starts it again in the background; gives the exit status. */
export async function runLasting(
  options: ProgramOptions,
  run: (starter: Starter, logging: LoggerTree) => Promise<number>,
): Promise<number> {
  if (!options.foreground) {
    await daemonize(options.pidfile, systemClock);
    return 0;
  }
  try {
    const complain = options.loggingConfig === undefined ? {} : { complain: tell };
    return await run({ ...complain, onRunning: tellRunning }, openLogging(options, 'debug'));
  } finally {
    await removePidFile(options.pidfile, process.pid); // ours only where we were started in the background
  }
}

/** The exit status of a program's work; what it throws is told on standard error. @param program its name */
export async function exitStatusOf(program: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const isSaid = error instanceof DaemonEndedError;
    tell(isSaid ? error.message : `${program}: ${describeError(error)}`);
    return isSaid ? error.status : 1;
  }
}

/** What a program that lasts has from its start to its end. */
export type ProgramFrame = {
  readonly log: Logger;
  readonly tasks: TaskBoard;
  /** Woken when the configuration is to be read again. */
  readonly reload: Wakeup;
  /** Aborted when the program is to end. */
  readonly stop: AbortSignal;
};

/** Listens to the signals of operators until it is disposed of. */
export function openProgramFrame(logging: LoggerTree): ProgramFrame & Disposable {
  const log = logging.logger('nodepool');
  const tasks = new TaskBoard(systemClock);
  const reload = new Wakeup(systemClock);
  const reopenLogs = (): void => {
    logging.reopen();
  };
  const signals = listenToSignals({ log, tasks, clock: systemClock, reload, reopenLogs });
  return {
    ...{ log, tasks, reload, stop: signals.stop },
    [Symbol.dispose]: () => {
      signals[Symbol.dispose]();
    },
  };
}

/** Tells in a line for each fault why a program cannot run; gives the exit status: 2 for a configuration without use. */
export function tellWhyNot(
  error: unknown,
  program: { readonly name: 'daemon' | 'builder'; readonly log: Logger } & Starter,
): number {
  const reason = `The ${program.name} cannot run: ${describeError(error)}`;
  for (const line of error instanceof ConfigError ? error.issues.map(formatFault) : [reason]) {
    program.log.error(line);
    program.complain?.(line);
  }
  return error instanceof ConfigError || error instanceof UnreadableConfigError ? 2 : 1;
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
