import { zuulParameters } from '../../scripts/demonstration/zuul-parameters.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { NAMES } from './farm-config.ts';

const JOB_MS = 180_000;

/** How a job ended, as Zuul sees it. */
export type JobEnd = {
  /** `failed` and `disconnected`: Zuul starts the job again. */
  readonly type: 'completed' | 'failed' | 'exception' | 'disconnected';
  /** Jenkins' result, e.g. `SUCCESS`. */
  readonly result: string | undefined;
  /** The node that it ran on. */
  readonly nodename: string | undefined;
};

/** Submits one job as Zuul v2 does; resolves at its end. @param parameters added to Zuul's, or instead of them */
export async function submitJob(
  gearmanPort: number,
  parameters: Readonly<Record<string, string | undefined>> = {},
): Promise<JobEnd> {
  const deps = {
    clock: systemClock,
    randomness: systemRandomness,
    log: new RecordingLogger(),
    tasks: new TaskBoard(systemClock),
  };
  const servers = [{ host: '127.0.0.1', port: gearmanPort }];
  const client = new GearmanClient({ servers, clientId: 'Zuul RPC Client' }, deps);
  try {
    const unique = systemRandomness.hex(16);
    const data = JSON.stringify({ ...zuulParameters(unique, 1), ...parameters });
    const job = { function: `build:${NAMES.job}`, unique, data, deadlineMs: JOB_MS };
    const outcome = await client.submit(job, neverAborted);
    const texts = outcome.data.map((chunk) => chunk.toString());
    const last = outcome.type === 'completed' && outcome.result.length > 0 ? outcome.result.toString() : texts.at(-1);
    const facts = JSON.parse(last ?? '{}') as { readonly result?: string; readonly node_name?: string };
    return { type: outcome.type, result: facts.result, nodename: facts.node_name };
  } finally {
    await client.close();
  }
}
