/** Pool: the node's life: launch, use, deletion, and the passes that keep it right. */
import type { LaunchOutcome } from '../node/node-metrics.ts';

/** This node is lost: it is deleted, counted under `outcome`, and a later pass launches another. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
  readonly outcome: LaunchOutcome;

  constructor(outcome: LaunchOutcome, message: string, options?: ErrorOptions) {
    super(message, options);
    this.outcome = outcome;
  }
}

/** Someone held or deleted the node while it was being launched: the launch ends without a word to Jenkins. */
export class LaunchEndedError extends Error {
  override readonly name = 'LaunchEndedError';
}
