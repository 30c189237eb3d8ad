import { openMetrics } from '../metrics/open-metrics.ts';
import { systemClock } from '../runtime/clock.ts';
import { runControlLoop } from '../runtime/control-loop.ts';
import { isAbort } from '../runtime/errors.ts';
import type { LoggerTree } from '../runtime/logging/logger-tree.ts';
import { systemRandomness } from '../runtime/randomness.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { ConfigWatch } from './config-watch.ts';
import { openProgramFrame, type Starter, tellWhyNot } from './program-frame.ts';
import { type ConfigFiles, UnreadableConfigError } from './read-config-files.ts';
import { builderFault, type BuilderRunDeps, runBuilder } from './run-builder.ts';

const CONFIG_POLL_MS = 10_000;
/** A build that is stopped begins anew; an init system mostly waits less than that, and then kills. */
const DRAIN_MS = 600_000;

export type BuilderProgram = ConfigFiles &
  Starter & {
    readonly buildWorkers: number;
    readonly uploadWorkers: number;
  };

/** Runs the builder in this process until a signal stops it; gives its exit status: 2 for a configuration without use. */
export async function runBuilderProgram(options: BuilderProgram, logging: LoggerTree): Promise<number> {
  using frame = openProgramFrame(logging);
  const { log, tasks, reload, stop } = frame;
  const base = { clock: systemClock, randomness: systemRandomness, log, tasks };
  try {
    await runUntilStopped({ options, base, reload }, stop);
    log.info('The image builder has stopped');
    return 0;
  } catch (error) {
    if (isAbort(error, stop)) return 0;
    return tellWhyNot(error, { ...options, name: 'builder', log });
  }
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
