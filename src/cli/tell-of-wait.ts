import type { ProviderConfig } from '../config/config.ts';
import { formatSeconds } from '../runtime/format-seconds.ts';
import type { CommandContext } from './command.ts';

/** A cloud that answers does so sooner; after this an operator begins to wonder. */
export const PATIENCE_MS = 3_000;

/** The line for an operator who waits for a cloud: which it is, where, and for how long at most. */
export function describeCloudWait({ name, cloud, apiTimeoutMs }: ProviderConfig): string {
  const place = cloud.authUrl === undefined ? '' : ` (${cloud.authUrl})`;
  return `Waiting for the cloud of provider ${name}${place} to answer, at most ${formatSeconds(apiTimeoutMs)} for each call`;
}

/** Waits for `work`, and tells `line` where it takes longer than a few seconds. */
export async function tellOfWait<T>(
  work: Promise<T>,
  line: string,
  context: Pick<CommandContext, 'clock' | 'tell'>,
): Promise<T> {
  const done = new AbortController();
  context.clock.sleep(PATIENCE_MS, done.signal).then(
    () => {
      context.tell(line);
    },
    () => undefined, // done in time
  );
  return await work.finally(() => {
    done.abort();
  });
}
