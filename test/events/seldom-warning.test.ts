import { expect, test } from 'vitest';
import { SeldomWarning } from '../../src/events/seldom-warning.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

test('a flood of bad messages is one line a minute that tells how many there were', async () => {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const warning = new SeldomWarning({ clock, log });

  for (let n = 0; n < 1000; n += 1) warning.warn('Dropped a message');
  await clock.advance(60_000);
  warning.warn('Dropped a message');

  expect(log.messages('warn')).toEqual([
    'Dropped a message',
    'Dropped a message (and 999 more since the last such line)',
  ]);
  expect(warning.count).toBe(1001);
});
