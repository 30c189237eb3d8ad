import type { Clock } from '../../src/runtime/clock.ts';
import type { BuildQueue } from './build-queue.ts';
import type { ChangeBell } from './change-bell.ts';
import type { Computers } from './computers.ts';
import type { JobBook } from './job-book.ts';
import type { StandInOptions } from './stand-in-options.ts';

/** What the routes look at and change. */
export type JenkinsWorld = {
  readonly options: StandInOptions;
  readonly computers: Computers;
  readonly jobs: JobBook;
  readonly queue: BuildQueue;
  readonly bell: ChangeBell;
  readonly clock: Clock;
  /** Jenkins' URL without a slash at its end. */
  readonly baseUrl: () => string;
  /** The switch of `quietDown`. */
  readonly quiet: { isOn: boolean };
  readonly signal: AbortSignal;
};
