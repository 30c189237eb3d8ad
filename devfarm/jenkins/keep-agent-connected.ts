import type { Clock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { type AgentChannel, type AgentMachines, LoginRefusedError } from './agent-machines.ts';
import type { ChangeBell } from './change-bell.ts';
import type { Computer } from './computer.ts';
import type { StandInOptions } from './stand-in-options.ts';

export type LaunchDeps = {
  readonly machines: AgentMachines;
  readonly options: StandInOptions;
  readonly bell: ChangeBell;
  readonly clock: Clock;
  readonly log: Logger;
};

/** `maxNumRetries` of the SSH launcher. */
const MAX_RETRIES = 10;

/** Connects an agent, and again whenever its connection is lost, until `signal` is aborted. Never throws. */
export async function keepAgentConnected(computer: Computer, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const channel = await connectWithRetries(computer, deps, signal).catch(() => undefined); // aborted
    if (channel === undefined) computer.launchFailed();
    else if (!isAbortedAfter(channel, signal)) await stayConnected(computer, channel, { ...deps, signal });
    deps.bell.ring();
    await computer.launchNow.wait(deps.options.timing.relaunchMs, signal).catch(() => undefined); // the loop ends above
    if (computer.switchedOff === undefined) computer.disconnected = undefined;
  }
}

/** Closes a connection that nobody wants any more. */
function isAbortedAfter(channel: AgentChannel, signal: AbortSignal): boolean {
  if (signal.aborted) channel.close();
  return signal.aborted;
}

async function stayConnected(
  computer: Computer,
  channel: AgentChannel,
  { bell, signal }: LaunchDeps & { readonly signal: AbortSignal },
): Promise<void> {
  const onAbort = (): void => {
    channel.close();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  computer.connected(channel);
  bell.ring();
  await channel.lost;
  signal.removeEventListener('abort', onAbort);
  computer.channelLost();
}

/** Undefined: it could not be connected. */
async function connectWithRetries(
  computer: Computer,
  deps: LaunchDeps,
  signal: AbortSignal,
): Promise<AgentChannel | undefined> {
  const { host, port, credentialsId } = computer.record;
  const credential = deps.options.credentials.find(({ id }) => id === credentialsId);
  if (credential === undefined) return undefined;
  for (let attempt = 0; attempt <= MAX_RETRIES; attempt += 1) {
    try {
      return await deps.machines.connect({ host, port, credential }, signal);
    } catch (error) {
      signal.throwIfAborted();
      deps.log.info(`Cannot connect agent "${computer.name}": ${describeError(error)}`);
      if (error instanceof LoginRefusedError) return undefined;
    }
    await deps.clock.sleep(deps.options.timing.retryWaitMs, signal);
  }
  return undefined;
}
