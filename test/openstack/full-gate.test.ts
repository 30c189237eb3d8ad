import { expect, test } from 'vitest';
import { ApiCaller, type ApiCallerDeps } from '../../src/openstack/api-caller.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { RequestGate } from '../../src/runtime/request-gate.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { aCloud } from './a-provider.ts';
import { SkippingClock } from './skipping-clock.ts';

test('a call that finds too many others waiting may work later; it is not tried again for ever', async () => {
  const clock = new SkippingClock();
  const limits = { minGapMs: 0, concurrency: 1, deadlineMs: 60_000, maxQueued: 0 };
  const gate = new RequestGate({ name: 'provider wmf', ...limits }, { clock, tasks: new TaskBoard(clock) });
  // The call never gets so far as to use them.
  const unused = {} as Pick<ApiCallerDeps, 'session' | 'http' | 'streams'>;
  const options = { provider: 'wmf', cloud: aCloud('http://127.0.0.1:9'), timeoutMs: 60_000, microversion: '2.1' };
  const caller = new ApiCaller(options, { ...unused, gate, clock, randomness: new CountingRandomness() });

  const failed = caller.call(
    { name: 'ServerList', service: 'compute', method: 'GET', path: '/servers', repeatable: true, read: () => 'read' },
    neverAborted,
  );

  await expect(failed).rejects.toThrow(TransientProviderError);
  await expect(failed).rejects.toThrow('ServerList in "wmf" was not sent');
  expect(clock.slept).toEqual([]);
});
