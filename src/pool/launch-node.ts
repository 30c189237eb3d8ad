import type { Node } from '../node/node.ts';
import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  ServerFailedError,
  TransientProviderError,
} from '../provider/errors.ts';
import { RemoteError } from '../provider/remote-machine.ts';
import {
  asError,
  DatabaseRefusedError,
  DatabaseUnavailableError,
  DeadlineExceededError,
  describeError,
} from '../runtime/errors.ts';
import { createNodeServer } from './create-node-server.ts';
import { type LaunchBlame, LaunchEndedError, LaunchError, launchPlace, launchTimeout } from './launch-error.ts';
import { endedMessage, markFailed } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import { prepareMachine } from './prepare-machine.ts';
import { refuseMovedOn } from './refuse-moved-on.ts';
import { registerAgent } from './register-agent.ts';
import { noteLaunched, noteLaunchFailed, passSmokeTest, smokedImage } from './smoke-launch.ts';
import { tellConsole } from './tell-console.ts';
import { waitForAddress } from './wait-for-address.ts';
import { crashPoint } from '../runtime/crash-point.ts';

/**
 * `ready`: the node is in state `ready` or `test`. `tested`: its image passed, and the node goes. `ended`: someone held or
 * deleted it meanwhile.
 */
export type LaunchEnd = 'ready' | 'tested' | 'ended';

/**
 * Takes a `building` node to `ready` (or `test`), from whatever step an earlier process left it at; one of a smoke test to its end.
 * A failure turns the node to `delete`; no room in the provider removes the row instead, for it would count as supply.
 * @throws {QuotaExceededError} no room; the row is gone, or in state `delete` where a server may have been made before
 * @throws {LaunchError} the node is lost and in state `delete`
 * @throws {DatabaseUnavailableError} the row is as it was, for a later pass to resume
 * @throws the signal's reason when aborted; the row is then left as it is, for a later process to resume
 */
export async function launchNode(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<LaunchEnd> {
  const startedMs = deps.clock.monotonicMs();
  const report = (outcome: LaunchError['outcome'], endMs = deps.clock.monotonicMs()): void => {
    const ms = endMs - startedMs;
    deps.metrics.launchEnded(launch.node, { image: launch.image.name, outcome, ms });
  };
  try {
    const ready = await takeToReady(launch, deps, signal);
    report('ready', ready.reachedMs);
    if (ready.node.smokeImageId !== undefined) return 'tested';
    await register({ ...launch, node: ready.node }, deps, signal);
    await noteLaunched({ ...launch, node: ready.node }, deps);
    return 'ready';
  } catch (error) {
    if (error instanceof QuotaExceededError) throw error;
    signal.throwIfAborted(); // the daemon stops: the next one resumes
    if (error instanceof DatabaseUnavailableError || error instanceof DatabaseRefusedError) throw error;
    if (error instanceof LaunchEndedError) {
      deps.log.info(error.message);
      return 'ended';
    }
    const failure = asLaunchError(launch, error);
    await giveUp(launch, failure, { ...deps, signal });
    report(failure.outcome);
    throw failure;
  }
}

async function takeToReady(
  launch: Launch,
  deps: LaunchDeps,
  signal: AbortSignal,
): Promise<{ readonly node: Node; readonly reachedMs: number }> {
  refuseHalfRunScript(launch.node);
  const { smokeImageId } = launch.node;
  if (smokeImageId !== undefined) await smokedImage(smokeImageId, deps); // while the daemon was away, the test may have ended
  const created = await createNodeServer(launch, deps, signal);
  using keyPairOrder = deps.keyPairs.order(); // made while the machine boots
  const reachable = await waitForAddress({ ...launch, node: created }, deps, signal);
  if (launch.node.step !== undefined) await refuseMovedOn({ ...launch, node: reachable }, deps, signal);
  const { node: prepared, reachedMs } = await prepareMachine(
    { ...launch, node: reachable, keyPairOrder },
    deps,
    signal,
  );
  if (smokeImageId !== undefined) return { node: await passSmokeTest(prepared, smokeImageId, deps), reachedMs };
  const testJob = launch.target.jenkins?.testJob;
  const node = await deps.nodes.apply(prepared, testJob === undefined ? 'launched' : 'launchedForTest', {
    who: 'launcher',
    why: 'The machine is prepared',
  });
  if (node === undefined) throw new LaunchEndedError(endedMessage(launch.node));
  crashPoint('launched');
  deps.log.info(`Node id: ${node.id} is ${node.state}`);
  return { node, reachedMs };
}

/** Last: Jenkins may start a job the moment it sees the agent. A failure here is mended by the registration pass. */
async function register(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  await registerAgent(launch, deps, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    const target = launch.target.name;
    deps.log.warn(`Node id: ${launch.node.id} could not be added to jenkins yet`, { target, error });
  });
}

/** Scripts are not idempotent: one that ran when the daemon died is not run again on the same machine. */
function refuseHalfRunScript(node: Node): void {
  if (node.step === 'ready-script') {
    const kind = { outcome: 'error.unknown', blames: 'nobody' } as const;
    throw new LaunchError(kind, 'The daemon stopped while the ready script ran on this machine');
  }
}

function asLaunchError(launch: Launch, error: unknown): LaunchError {
  if (error instanceof LaunchError) return error;
  // Steps on the machine say so themselves: what is left are the cloud's.
  if (error instanceof DeadlineExceededError) {
    return launchTimeout(launch, { outcome: 'error.status', blames: 'cloud' }, error);
  }
  const outcome = error instanceof ServerFailedError ? 'error.status' : 'error.unknown';
  const message = `Cannot launch ${launchPlace(launch)}: ${describeError(error)}`;
  return new LaunchError({ outcome, blames: blameFor(error) }, message, { cause: error });
}

function blameFor(error: unknown): LaunchBlame {
  if (error instanceof RequestRefusedError) return 'request';
  const isClouds = [ServerFailedError, TransientProviderError, CredentialsRefusedError].some(
    (kind) => error instanceof kind,
  );
  return isClouds ? 'cloud' : 'machine';
}

async function giveUp(
  launch: Launch,
  failure: LaunchError,
  { signal, ...deps }: LaunchDeps & { readonly signal: AbortSignal },
): Promise<void> {
  const facts = { node: launch.node.id, provider: launch.provider.name };
  // One line for what clouds and machines do; a bug keeps its stack.
  if (isForeseen(failure.cause)) deps.log.error(describeError(failure), facts);
  else deps.log.error(failure.message, { ...facts, error: failure.cause });
  await tellConsole(launch, deps, signal); // before the mark, with which the deletion begins
  const why = describeError(failure);
  const failed = await markFailed(launch.node, why, deps);
  crashPoint('launch-failure-stored');
  // After the mark, which one launch makes: none is counted twice.
  if (failed !== undefined) await noteLaunchFailed({ node: failed, image: launch.image, why }, failure.blames, deps);
}

function isForeseen(cause: unknown): boolean {
  if (cause === undefined) return true;
  const own = [RemoteError, RequestRefusedError, TransientProviderError, CredentialsRefusedError, ServerFailedError];
  return cause instanceof DeadlineExceededError || own.some((kind) => asError(cause) instanceof kind);
}
