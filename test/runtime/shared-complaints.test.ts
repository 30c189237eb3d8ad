import { expect, test } from 'vitest';
import { SharedComplaints } from '../../src/runtime/shared-complaints.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

function aBench() {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  return { clock, log, complaints: new SharedComplaints({ clock, log }) };
}

test('of many tasks that meet one trouble, one warns at once and then one a minute, with the number of the others', async () => {
  const { clock, log, complaints } = aBench();

  for (let second = 0; second <= 120; second += 20) {
    complaints.failed('ci-1', `Node ${second} waits`);
    await clock.advance(20_000);
  }

  const more = '(and 2 more like it since the last such line)';
  expect(log.messages('warn')).toEqual(['Node 0 waits', `Node 60 waits ${more}`, `Node 120 waits ${more}`]);
  expect(log.messages('debug')).toEqual(['Node 20 waits', 'Node 40 waits', 'Node 80 waits', 'Node 100 waits']);
});

test('another trouble, and one that comes back, are told at once', () => {
  const { log, complaints } = aBench();

  complaints.failed('ci-1', 'one');
  complaints.failed('ci-2', 'two', { node: 2 });
  complaints.worked('ci-1');
  complaints.failed('ci-1', 'three');

  expect(log.messages('warn')).toEqual(['one', 'two', 'three']);
  expect(log.entries[1]?.facts).toEqual({ node: 2 });
});
