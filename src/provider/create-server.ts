import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { untilAnswered } from './await-server.ts';
import type { CloudProvider, CreatedServer, ServerSpec } from './cloud-provider.ts';
import { TransientProviderError, UnknownOutcomeError } from './errors.ts';
import { parseOwner } from './owner-metadata.ts';
import { crashPoint } from '../runtime/crash-point.ts';

const RETRY: Backoff = { firstMs: 500, maxMs: 30_000 };
/** How many server lists must lack a server whose create call lost its answer before it is asked for again. */
const LOOKS = 3;
/** How many of these lists may fail before the creation does. */
const FAILED_LOOKS = 10;
/** A cloud may ask for a longer pause than is worth waiting for. */
const LONGEST_PAUSE_MS = 120_000;

export type ServerCreation = {
  readonly spec: Omit<ServerSpec, 'metadata'>;
  /** Metadata that names the owner and the attempt. */
  readonly metadata: (attempt: string) => Record<string, string>;
  /** Stores the attempt id. Called before each create call; what it throws ends the creation. */
  readonly storeAttempt: (attempt: string) => Promise<void>;
  /** The attempt id that the row held already: an earlier process may have sent that create call. */
  readonly earlierAttempt?: string;
  /** Create calls after the first that failed (3.x: launch-retries). */
  readonly retries: number;
};

export type CreationDeps = {
  readonly cloud: CloudProvider;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
};

/**
 * Creates one server and never knowingly two: a create call with unknown outcome is looked up by its attempt id first.
 * @throws {QuotaExceededError} no room
 * @throws {RequestRefusedError} the cloud refuses such a server
 * @throws {TransientProviderError} still failing after all retries
 */
export async function createServer(
  creation: ServerCreation,
  deps: CreationDeps,
  signal: AbortSignal,
): Promise<CreatedServer> {
  if (creation.earlierAttempt !== undefined) {
    const found = await findByAttempt(creation.earlierAttempt, deps, signal);
    if (found !== undefined) return found;
  }
  for (let tries = 1; ; tries += 1) {
    const attempt = deps.randomness.uuid();
    await creation.storeAttempt(attempt);
    crashPoint('create-attempt-stored');
    const created = await tryCreate({ ...creation, attempt }, deps, signal);
    if (!(created instanceof TransientProviderError)) return created;
    if (tries > creation.retries) throw created;
    deps.log.info(`Creating server ${creation.spec.name} in ${deps.cloud.name} failed, trying again`, {
      error: created,
    });
    const pauseMs = created.retryAfterMs ?? backoffMs(tries, RETRY, deps.randomness);
    await deps.clock.sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), signal);
  }
}

async function tryCreate(
  creation: ServerCreation & { readonly attempt: string },
  deps: CreationDeps,
  signal: AbortSignal,
): Promise<CreatedServer | TransientProviderError> {
  const { attempt, spec } = creation;
  try {
    crashPoint('create-sent');
    const created = await deps.cloud.createServer({ ...spec, metadata: creation.metadata(attempt) }, signal);
    crashPoint('create-answered');
    return created;
  } catch (error) {
    if (!(error instanceof TransientProviderError)) throw error;
    if (!(error instanceof UnknownOutcomeError)) return error;
    deps.log.warn(`Outcome of creating server ${spec.name} is unknown, looking for it`, {
      provider: deps.cloud.name,
      attempt,
      reason: describeError(error),
    });
    return (await findByAttempt(attempt, deps, signal)) ?? error;
  }
}

/**
 * The server that bears the attempt id, looked for in several lists: a create call may be slow to show its server.
 * @throws {TransientProviderError} the cloud does not say; nothing may be created then
 */
export async function findByAttempt(
  attempt: string,
  deps: Pick<CreationDeps, 'cloud' | 'clock'>,
  signal: AbortSignal,
): Promise<CreatedServer | undefined> {
  for (let looks = 0, failures = 0; looks < LOOKS;) {
    const servers = await untilAnswered(() => deps.cloud.nextServerList(signal), deps, signal);
    if (servers instanceof Error) {
      failures += 1;
      if (failures >= FAILED_LOOKS) throw servers;
      continue;
    }
    const found = servers.find((server) => parseOwner(server.metadata)?.attempt === attempt);
    if (found !== undefined) return { id: found.id };
    looks += 1;
  }
  return undefined;
}
