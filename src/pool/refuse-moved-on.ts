import { untilAnswered } from '../provider/await-server.ts';
import { withDeadline } from '../runtime/clock.ts';
import { DeadlineExceededError, describeError } from '../runtime/errors.ts';
import { LaunchError } from './launch-error.ts';
import type { Launch, LaunchDeps } from './launch.ts';

const NOBODYS_FAULT = { outcome: 'error.unknown', blames: 'nobody' } as const;

/**
 * Before anything is done on the machine of a launch that an earlier process began: makes sure that the machine is still
 * there, for its address may be another node's by now, and that the launch did not end already. Both are so only where the
 * database was restored from a backup that is older than the farm. An agent is made after a launch, so one that is there
 * may have run its job, or run it now.
 * @param launch with the row as it is now
 * @throws {LaunchError} it did; the guard keeps what runs there
 */
export async function refuseMovedOn(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  const { nodename, externalId } = launch.node;
  const { cloud, agents } = deps;
  deps.task.waitOn('cloud and jenkins, to see how far the launch is');
  const ask = { ...deps, ms: launch.provider.launchTimeoutMs };
  if (externalId !== undefined) {
    const server = await untilTold((inner) => cloud.findServer(externalId, inner), ask, signal);
    if (server === undefined) throw new LaunchError(NOBODYS_FAULT, `Server ${externalId} is gone`);
  }
  if (agents === undefined || nodename === undefined) return;
  const agent = await untilTold((inner) => agents.find(nodename, inner), ask, signal);
  if (agent === undefined) return;
  const message = `Agent ${nodename} is in jenkins already: this launch ended before. Is the database a backup?`;
  throw new LaunchError(NOBODYS_FAULT, message);
}

/** A peer that is away is asked again: without its answer the launch cannot go on. */
async function untilTold<T>(
  question: (signal: AbortSignal) => Promise<T>,
  { clock, ms }: Pick<LaunchDeps, 'clock'> & { readonly ms: number },
  signal: AbortSignal,
): Promise<T> {
  const deadline = { what: 'cloud and jenkins to tell of an earlier launch', ms };
  try {
    return await withDeadline(deadline, { clock, signal }, async (inner) => {
      for (;;) {
        const answer = await untilAnswered(() => question(inner), { clock }, inner);
        if (!(answer instanceof Error)) return answer;
      }
    });
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    throw new LaunchError(NOBODYS_FAULT, describeError(error), { cause: error });
  }
}
