import { type Clock, withDeadline } from '../runtime/clock.ts';
import { DeadlineExceededError } from '../runtime/errors.ts';
import type { CloudProvider, Server } from './cloud-provider.ts';
import { QuotaExceededError, ServerFailedError, TransientProviderError } from './errors.ts';

/** Between two looks while the cloud does not answer. Lists are shared, so many waiters are still one request. */
const PAUSE_MS = 2_000;
/** Nova may show ERROR a moment before it says why, and the reason decides who is to blame. */
const LOOKS_FOR_REASON = 3;

export type AwaitDeps = {
  readonly cloud: CloudProvider;
  readonly clock: Clock;
};

/**
 * Waits until the server is ACTIVE, by the provider's shared server list. A cloud that fails for a while is asked again:
 * one lost list must not cost every server that boots.
 * @throws {ServerFailedError} it is in ERROR or gone
 * @throws {QuotaExceededError} it is in ERROR, and only because there was no room
 * @throws {DeadlineExceededError} not ACTIVE within `ms`; `cause` is why the last look failed, if it did
 */
export async function awaitActive(
  wait: { readonly id: string; readonly ms: number },
  deps: AwaitDeps,
  signal: AbortSignal,
): Promise<Server> {
  const deadline = { what: `server ${wait.id} to become ACTIVE`, ms: Math.max(0, wait.ms) };
  let lastFailure: Error | undefined;
  try {
    return await withDeadline(deadline, { clock: deps.clock, signal }, async (inner) => {
      for (let unexplained = 0; ;) {
        const look = await untilAnswered(() => lookAt(wait.id, deps.cloud, inner), deps, inner);
        lastFailure = look instanceof Error ? look : undefined;
        if (!(look instanceof Error) && isUnexplained(look.server) && (unexplained += 1) < LOOKS_FOR_REASON) continue;
        const active = look instanceof Error ? undefined : activeServer(wait.id, look.server, deps.cloud);
        if (active !== undefined) return active;
      }
    });
  } catch (error) {
    if (error instanceof DeadlineExceededError && lastFailure !== undefined) {
      throw new DeadlineExceededError(deadline.what, deadline.ms, { cause: lastFailure });
    }
    throw error;
  }
}

type Look = { readonly server: Server | undefined };

/** A list may miss a server for a moment, so only a 404 for the single server proves that it is gone. */
async function lookAt(id: string, cloud: CloudProvider, signal: AbortSignal): Promise<Look> {
  const listed = (await cloud.nextServerList(signal)).find((server) => server.id === id);
  return { server: listed ?? (await cloud.findServer(id, signal)) };
}

function isUnexplained(server: Server | undefined): boolean {
  return server?.status === 'ERROR' && server.fault === undefined;
}

/** Undefined: it still boots. @throws {ServerFailedError | QuotaExceededError} it never will be ACTIVE */
function activeServer(id: string, server: Server | undefined, cloud: CloudProvider): Server | undefined {
  if (server === undefined) throw new ServerFailedError(`Server ${id} is gone`);
  if (server.status === 'ERROR') {
    const message = `Server ${id} is in ERROR: ${server.fault ?? 'the cloud says no reason'}`;
    throw server.isOverQuota === true ? new QuotaExceededError(cloud.name, message) : new ServerFailedError(message);
  }
  return server.status === 'ACTIVE' ? server : undefined;
}

/**
 * What `look` gives, or, after a pause, the failure that may pass.
 * @throws what else `look` throws
 */
export async function untilAnswered<T>(
  look: () => Promise<T>,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<T | TransientProviderError | DeadlineExceededError> {
  try {
    return await look();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TransientProviderError) && !(error instanceof DeadlineExceededError)) throw error;
    await deps.clock.sleep(PAUSE_MS, signal);
    return error;
  }
}

/**
 * Waits until two server lists in a row lack the server: one list may miss it by chance while pages shift.
 * @throws {DeadlineExceededError} it is still there after `ms`
 */
export async function awaitGone(
  wait: { readonly id: string; readonly ms: number },
  deps: AwaitDeps,
  signal: AbortSignal,
): Promise<void> {
  const deadline = { what: `server ${wait.id} to be gone`, ms: wait.ms };
  await withDeadline(deadline, { clock: deps.clock, signal }, async (inner) => {
    for (let absences = 0; absences < 2;) {
      const servers = await deps.cloud.nextServerList(inner);
      const present = servers.some((server) => server.id === wait.id && server.status !== 'DELETED');
      absences = present ? 0 : absences + 1;
    }
  });
}
