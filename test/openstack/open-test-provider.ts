import { onTestFinished } from 'vitest';
import type { ProviderConfig } from '../../src/config/config.ts';
import type { CallReport } from '../../src/openstack/api-caller.ts';
import { openProvider, type ProviderDeps } from '../../src/openstack/open-provider.ts';
import type { CloudProvider } from '../../src/provider/cloud-provider.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { aProvider } from './a-provider.ts';
import { SkippingClock } from './skipping-clock.ts';

export type TestProvider = {
  readonly provider: CloudProvider;
  readonly clock: SkippingClock;
  readonly log: RecordingLogger;
  readonly calls: CallReport[];
};

/** The adapter on a cloud at `url`, with a clock that skips pauses. Closed when the test ends. */
export function openTestProvider(
  url: string,
  config: Partial<ProviderConfig> = {},
  deps: Partial<ProviderDeps> = {},
): TestProvider {
  const clock = new SkippingClock();
  const log = new RecordingLogger();
  const calls: CallReport[] = [];
  const provider = openProvider(
    { ...aProvider(url), ...config },
    {
      clock,
      log,
      tasks: new TaskBoard(clock),
      randomness: new CountingRandomness(),
      onCall: (report) => calls.push(report),
      ...deps,
    },
  );
  onTestFinished(() => provider.close());
  return { provider, clock, log, calls };
}
