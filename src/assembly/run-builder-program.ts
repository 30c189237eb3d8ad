import { ConfigError, formatFault } from '../config/config-fault.ts';
import { openMetrics } from '../metrics/open-metrics.ts';
import { systemClock } from '../runtime/clock.ts';
import { runControlLoop } from '../runtime/control-loop.ts';
import { describeError, isAbort } from '../runtime/errors.ts';
import type { LoggerTree } from '../runtime/logging/logger-tree.ts';
import { systemRandomness } from '../runtime/randomness.ts';
import { TaskBoard } from '../runtime/task-board.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { ConfigWatch } from './config-watch.ts';
import { type ConfigFiles, UnreadableConfigError } from './read-config-files.ts';
import { builderFault, type BuilderRunDeps, runBuilder } from './run-builder.ts';
import { listenToSignals } from './signals.ts';

const CONFIG_POLL_MS = 10_000;
/** A build that is stopped begins anew; an init system mostly waits less than that, and then kills. */
const DRAIN_MS = 600_000;

export type BuilderProgram = ConfigFiles & {
  readonly buildWorkers: number;
  readonly uploadWorkers: number;
  /** Told why the builder cannot run, besides the log; which an operator who starts it may not see. */
  readonly complain?: (line: string) => void;
  /** Called once the builder offers its work. */
  readonly onRunning?: () => void;
};

/** Runs the builder in this process until a signal stops it; gives its exit status: 2 for a configuration without use. */
export async function runBuilderProgram(options: BuilderProgram, logging: LoggerTree): Promise<number> {
  const log = logging.logger('nodepool');
  const tasks = new TaskBoard(systemClock);
  const reload = new Wakeup(systemClock);
  const reopenLogs = (): void => {
    logging.reopen();
  };
  using signals = listenToSignals({ log, tasks, clock: systemClock, reload, reopenLogs });
  const base = { clock: systemClock, randomness: systemRandomness, log, tasks };
  try {
    await runUntilStopped({ options, base, reload }, signals.stop);
    log.info('The image builder has stopped');
    return 0;
  } catch (error) {
    if (isAbort(error, signals.stop)) return 0;
    for (const line of complaints(error)) {
      log.error(line);
      options.complain?.(line);
    }
    return error instanceof ConfigError || error instanceof UnreadableConfigError ? 2 : 1;
  }
}

function complaints(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.issues.map(formatFault);
  return [`The builder cannot run: ${describeError(error)}`];
}

type Run = {
  readonly options: BuilderProgram;
  readonly base: Pick<BuilderRunDeps, 'clock' | 'randomness' | 'log' | 'tasks'>;
  readonly reload: Wakeup;
};

async function runUntilStopped({ options, base, reload }: Run, signal: AbortSignal): Promise<void> {
  const { log, clock } = base;
  const watch = await ConfigWatch.open(options, { log, clock });
  const fault = builderFault(watch.config);
  if (fault !== undefined) throw new UnreadableConfigError(fault);
  const metrics = openMetrics(process.env, { clock, log: log.child('stats') });
  const deps = { ...base, metrics: metrics.diskImages, ...metrics.calls, environment: process.env };
  const changed = new Wakeup(clock);
  const { buildWorkers, uploadWorkers } = options;
  const running = { ...(options.onRunning === undefined ? {} : { onRunning: options.onRunning }), isAlone: true };
  const builder = { config: () => watch.config, reload: changed, buildWorkers, uploadWorkers, drainMs: DRAIN_MS };
  const following = new AbortController();
  const config = {
    name: 'config',
    intervalMs: CONFIG_POLL_MS,
    wakeup: reload,
    pass: async (until: AbortSignal) => {
      if ((await watch.reload(until)) !== undefined) changed.wake();
    },
  };
  const loop = runControlLoop(config, base, following.signal);
  try {
    await runBuilder({ ...builder, ...running }, deps, signal);
  } finally {
    following.abort();
    await loop;
  }
}
