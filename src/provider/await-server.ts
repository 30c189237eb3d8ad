import { type Clock, withDeadline } from '../runtime/clock.ts';
import type { CloudProvider, Server } from './cloud-provider.ts';
import { ServerFailedError } from './errors.ts';

export type AwaitDeps = {
  readonly cloud: CloudProvider;
  readonly clock: Clock;
};

/**
 * Waits until the server is ACTIVE, by the provider's shared server list.
 * @throws {ServerFailedError} it is in ERROR or gone
 * @throws {DeadlineExceededError} not ACTIVE within `ms`
 */
export async function awaitActive(
  wait: { readonly id: string; readonly ms: number },
  deps: AwaitDeps,
  signal: AbortSignal,
): Promise<Server> {
  const deadline = { what: `server ${wait.id} to become ACTIVE`, ms: Math.max(0, wait.ms) };
  return await withDeadline(deadline, { clock: deps.clock, signal }, async (inner) => {
    for (;;) {
      const server = await lookAt(wait.id, deps.cloud, inner);
      if (server === undefined) throw new ServerFailedError(`Server ${wait.id} is gone`);
      if (server.status === 'ACTIVE') return server;
      if (server.status === 'ERROR') {
        throw new ServerFailedError(`Server ${wait.id} is in ERROR: ${server.fault ?? 'the cloud says no reason'}`);
      }
    }
  });
}

/** A list may miss a server for a moment, so only a 404 for the single server proves that it is gone. */
async function lookAt(id: string, cloud: CloudProvider, signal: AbortSignal): Promise<Server | undefined> {
  const listed = (await cloud.nextServerList(signal)).find((server) => server.id === id);
  return listed ?? (await cloud.findServer(id, signal));
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
