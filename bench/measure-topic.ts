import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../src/runtime/errors.ts';
import { ALL_TOPICS } from './all-topics.ts';
import type { Measurement, Size, Topic, TopicOptions } from './measurement.ts';

/** The first word of the bench's command line in a process that measures. */
export const MEASURE = '--measure';

/** What the measuring process tells its parent. */
type Told = { readonly measured: readonly Measurement[] } | { readonly error: string };

export type ApartOptions = TopicOptions & {
  readonly size: Size;
  /** Folder for the log of the measured parts. */
  readonly logs: string;
  /** Folder for a CPU profile of the process that measures; it costs some of what is measured. */
  readonly profiles: string | undefined;
};

/**
 * Measures in a process of its own: no topic inherits another's memory, sockets and warm code.
 * @throws {Error} the topic failed, or was interrupted
 */
export async function measureApart(
  topic: Topic,
  { size, logs, profiles, minutes, mib }: ApartOptions,
  signal: AbortSignal,
): Promise<readonly Measurement[]> {
  mkdirSync(logs, { recursive: true });
  const log = openSync(join(logs, `${topic.name}.log`), 'a');
  const words = ['bench/bench.ts', MEASURE, topic.name, size, String(minutes), String(mib)];
  const execArgv = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const child = fork(join('scripts', 'run-ts.js'), words, { stdio: ['ignore', log, log, 'ipc'], execArgv });
  closeSync(log);
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  const heard: Told[] = [];
  child.on('message', (message) => {
    heard.push(message as Told); // what `measureHere` sends
  });
  await once(child, 'exit'); // also when interrupted: it cleans up first
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  const [told = { error: 'The process that measures ended early' }] = heard;
  if ('error' in told) throw new Error(told.error);
  return told.measured;
}

/** Measures in this process, and tells the parent; when it is told to stop, or the parent is gone, it cleans up and ends. */
export async function measureHere(name: string, size: Size, options: TopicOptions): Promise<void> {
  const stopping = new AbortController();
  const stop = (): void => {
    stopping.abort(new Error('The bench was interrupted'));
  };
  process.on('SIGINT', () => {
    if (stopping.signal.aborted) process.exit(130); // asked twice: at once
    stop();
  });
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  process.on('unhandledRejection', (error) => {
    tell({ error: describeError(error) });
    process.exit(1);
  });
  tell(await outcomeOf(name, (topic) => topic.run(size, stopping.signal, options)));
  process.exit(0); // whatever a peer left open
}

async function outcomeOf(name: string, run: (topic: Topic) => ReturnType<Topic['run']>): Promise<Told> {
  try {
    const topic = ALL_TOPICS.find((each) => each.name === name);
    if (topic === undefined) throw new Error(`There is no topic "${name}"`);
    return { measured: await run(topic) };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`); // to the log
    return { error: describeError(error) };
  }
}

function tell(told: Told): void {
  if (process.connected) process.send?.(told);
}
