import { expect, test } from 'vitest';
import { announceStanding, type Standing } from '../../src/assembly/announce-standing.ts';
import type { DaemonIdentity } from '../../src/node/daemon-store.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const us: DaemonIdentity = { id: 'us', number: 2, host: 'here', pid: 22, version: '1', roles: ['launches', 'images'] };
const other: DaemonIdentity = { ...us, id: 'other', number: 1, host: 'there', pid: 11 };

/** A daemon that may lead allocation and images, and looks when told. */
function aStanding(leaders: Standing['look']['leaders']): Standing & { see(look: Standing['look']): void } {
  const listeners: ((look: Standing['look']) => void)[] = [];
  return {
    ...{ identity: us, mayLead: ['allocation', 'images'], look: { leaders, died: [] } },
    onNews: (listener) => void listeners.push(listener),
    see: (look) => {
      for (const listener of listeners) listener(look);
    },
  };
}

test('says at the start who leads what it may lead itself', () => {
  const log = new RecordingLogger();

  announceStanding(
    aStanding(
      new Map([
        ['allocation', other],
        ['images', us],
        ['reconciliation', other],
      ]),
    ),
    log,
  );

  expect(log.messages('info')).toEqual([
    'Another daemon (there, pid 11) leads allocation; this one stands by',
    'This daemon leads images',
  ]);
});

test('says who was taken for dead, and each new leader once', () => {
  const log = new RecordingLogger();
  const standing = aStanding(
    new Map([
      ['allocation', other],
      ['images', us],
    ]),
  );
  announceStanding(standing, log);
  const died = [{ daemon: other, why: 'its process is gone' }];

  standing.see({ leaders: new Map([['images', us]]), died });
  standing.see({
    leaders: new Map([
      ['allocation', us],
      ['images', us],
    ]),
    died: [],
  });

  expect(log.messages('warn')).toEqual(['Daemon 1 (there, pid 11) is taken for dead: its process is gone']);
  expect(log.messages('info').slice(2)).toEqual(['This daemon leads allocation']);
});
