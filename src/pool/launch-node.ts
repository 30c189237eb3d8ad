import type { Node } from '../node/node.ts';
import { QuotaExceededError, ServerFailedError } from '../provider/errors.ts';
import { DeadlineExceededError, describeError } from '../runtime/errors.ts';
import { createNodeServer } from './create-node-server.ts';
import { LaunchEndedError, LaunchError } from './launch-error.ts';
import { endedMessage } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import { prepareMachine } from './prepare-machine.ts';
import { registerAgent } from './register-agent.ts';
import { waitForAddress } from './wait-for-address.ts';

/**
 * Takes a `building` node to `ready` (or `test`), from whatever step an earlier process left it at.
 * A failure turns the node to `delete`; no room in the provider removes the row instead, for it would count as supply.
 * @throws {QuotaExceededError} no room; the row is gone
 * @throws {LaunchError} the node is lost and in state `delete`
 * @throws the signal's reason when aborted; the row is then left as it is, for a later process to resume
 */
export async function launchNode(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  const report = (outcome: LaunchError['outcome']): void => {
    const ms = deps.clock.monotonicMs() - startedMs;
    deps.metrics.launchEnded(launch.node, { image: launch.image.name, outcome, ms });
  };
  try {
    await takeToReady(launch, deps, signal);
    report('ready');
  } catch (error) {
    signal.throwIfAborted(); // the daemon stops: the next one resumes
    if (error instanceof LaunchEndedError) {
      deps.log.info(error.message);
      return;
    }
    if (error instanceof QuotaExceededError) {
      await deps.nodes.remove(launch.node, { who: 'launcher', why: describeError(error) });
      throw error;
    }
    const failure = asLaunchError(launch, error);
    await giveUp(launch, failure, deps);
    report(failure.outcome);
    throw failure;
  }
}

async function takeToReady(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  refuseHalfRunScript(launch.node);
  const created = await createNodeServer(launch, deps, signal);
  const reachable = await waitForAddress({ ...launch, node: created }, deps, signal);
  const prepared = await prepareMachine({ ...launch, node: reachable }, deps, signal);
  const testJob = launch.target.jenkins?.testJob;
  const ready = await deps.nodes.apply(prepared, testJob === undefined ? 'launched' : 'launchedForTest', {
    who: 'launcher',
    why: 'The machine is prepared',
  });
  if (ready === undefined) throw new LaunchEndedError(endedMessage(launch.node));
  deps.log.info(`Node id: ${ready.id} is ${ready.state}`);
  // Last: Jenkins may start a job the moment it sees the agent. A failure here is mended by the registration pass.
  await registerAgent({ ...launch, node: ready }, deps, signal).catch((error: unknown) => {
    deps.log.warn(`Node id: ${ready.id} could not be added to jenkins yet`, { target: launch.target.name, error });
  });
}

/** Scripts are not idempotent: one that ran when the daemon died is not run again on the same machine. */
function refuseHalfRunScript(node: Node): void {
  if (node.step === 'ready-script') {
    throw new LaunchError('error.unknown', 'The daemon stopped while the ready script ran on this machine');
  }
}

function asLaunchError(launch: Launch, error: unknown): LaunchError {
  if (error instanceof LaunchError) return error;
  const where = `node id: ${launch.node.id} in provider: ${launch.provider.name}`;
  if (error instanceof DeadlineExceededError) {
    return new LaunchError('error.timeout', `Timeout launching ${where} error: ${describeError(error)}`, {
      cause: error.cause,
    });
  }
  const outcome = error instanceof ServerFailedError ? 'error.status' : 'error.unknown';
  return new LaunchError(outcome, `Cannot launch ${where}: ${describeError(error)}`, { cause: error });
}

async function giveUp(launch: Launch, failure: LaunchError, deps: LaunchDeps): Promise<void> {
  deps.log.error(describeError(failure), { node: launch.node.id, provider: launch.provider.name });
  const cause = { who: 'launcher', why: describeError(failure) };
  for (let current = await deps.nodes.find(launch.node.id); current?.state === 'building';) {
    if ((await deps.nodes.apply(current, 'launchFailed', cause)) !== undefined) return;
    current = await deps.nodes.find(launch.node.id); // it changed meanwhile: look again
  }
}
