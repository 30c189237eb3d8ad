/** Crash: kills parts of a farm that works, and looks whether anything was lost, leaked or done twice. */

/** What a job was told to end with. */
export type JobResult = 'SUCCESS' | 'FAILURE';

/** One submission of a job. Zuul submits it again if it hears of no result. Instants: milliseconds of the monotonic clock. */
export type Attempt = {
  readonly id: string;
  readonly job: number;
  readonly expects: JobResult;
  /** Whether the job asks Jenkins to take its node offline at its end. */
  readonly asksOffline: boolean;
  /** `refused`: gearmand did not take it. */
  readonly outcome: 'completed' | 'failed' | 'exception' | 'disconnected' | 'refused';
  readonly result: string | undefined;
  /** What Zuul heard besides, for messages. */
  readonly detail?: string;
};

/** A build as its own machine told of it. */
export type Run = {
  readonly attempt: string;
  /** The server's id, as its machine knows it. */
  readonly server: string;
  readonly beganMs: number;
  /** When the job's work was done; undefined: it was cut off. */
  readonly endedMs: number | undefined;
  /** When the machine fell silent; undefined: it has not yet. */
  readonly closedMs: number | undefined;
};

/** The parts of a farm that can be killed. */
export type Part = 'daemon' | 'cloud' | 'jenkins' | 'gearmand' | 'postgres';

/** From a kill until the part worked again. */
export type Outage = { readonly part: Part; readonly fromMs: number; readonly toMs: number };

export type Evidence = {
  readonly attempts: readonly Attempt[];
  readonly runs: readonly Run[];
  readonly outages: readonly Outage[];
  /** Jobs that never came to a result. */
  readonly unfinished: readonly number[];
};
