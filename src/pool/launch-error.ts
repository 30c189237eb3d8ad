/** Pool: the node's life: launch, use, deletion, and the passes that keep it right. */
import type { LaunchOutcome } from '../node/node-metrics.ts';
import { type DeadlineExceededError, describeError } from '../runtime/errors.ts';
import type { Launch } from './launch.ts';

/**
 * What to pause when launches keep failing so: all of the provider (`cloud`), its servers from that image (`request`),
 * the label's machines and scripts (`machine`), or nothing.
 */
export type LaunchBlame = 'cloud' | 'request' | 'machine' | 'nobody';

/** This node is lost: it is deleted, counted under `outcome`, and a later pass launches another. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
  readonly outcome: LaunchOutcome;
  readonly blames: LaunchBlame;

  constructor(
    kind: { readonly outcome: LaunchOutcome; readonly blames: LaunchBlame },
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.outcome = kind.outcome;
    this.blames = kind.blames;
  }
}

/** Someone held or deleted the node while it was being launched: the launch ends without a word to Jenkins. */
export class LaunchEndedError extends Error {
  override readonly name = 'LaunchEndedError';
}

/** Where a launch happens, as upstream's messages say it. */
export function launchPlace({ node, provider }: Pick<Launch, 'node' | 'provider'>): string {
  return `node id: ${node.id} in provider: ${provider.name}`;
}

/** A launch that took too long, in the words that operators look for (compatibility: logging). */
export function launchTimeout(
  launch: Pick<Launch, 'node' | 'provider'>,
  kind: ConstructorParameters<typeof LaunchError>[0],
  error: DeadlineExceededError,
): LaunchError {
  const message = `Timeout launching ${launchPlace(launch)} error: ${describeError(error)}`;
  return new LaunchError(kind, message, { cause: error.cause });
}
