/** A job as a worker gets it. */
export type AssignedJob = {
  readonly function: string;
  readonly unique: string;
  readonly data: Buffer;
  /** `host:port` of the server that gave it. */
  readonly server: string;
  /** The server's name for the job, e.g. `H:vm:1`. */
  readonly handle: string;
  /**
   * Aborted when the connection to that server is lost. The server forgets us and gives the job to another worker, and
   * our report is dropped; whether work goes on is the handler's choice.
   */
  readonly disconnected: AbortSignal;
  /** Sends a chunk of data to the client. Does nothing once the job is over. */
  sendData(data: string | Uint8Array): void;
  /** Tells the client how far the work is. Does nothing once the job is over. */
  sendStatus(numerator: number, denominator: number): void;
};

/** The one last word about a job: WORK_COMPLETE or WORK_FAIL. */
export type JobReport = { readonly type: 'complete'; readonly result: string | Uint8Array } | { readonly type: 'fail' };

/**
 * Does the work of one job. What it throws goes to the client as an exception with the error's message.
 * `signal` is aborted when the worker stops. Must be safe to run twice for one job.
 */
export type JobHandler = (job: AssignedJob, signal: AbortSignal) => Promise<JobReport>;
