import { expect, test } from 'vitest';
import { judgeDaemon, type Judge, type Sighting } from '../../src/db/judge-daemon.ts';

const GONE = 7;
const judge: Judge = { place: 'here', isProcessGone: (pid) => pid === GONE, steadyMs: 60_000 };
const alive: Sighting = { pid: 1, place: 'here', locked: true, silentMs: 0 };

type Case = {
  readonly what: string;
  readonly other: Partial<Sighting>;
  readonly own?: Partial<Judge>;
  /** Absent: it may live. */
  readonly why?: string;
};

const CASES: readonly Case[] = [
  { what: 'beats', other: {} },
  { what: 'is silent for 15 s', other: { silentMs: 15_000 } },
  { what: 'is silent for longer', other: { silentMs: 15_001 }, why: 'it was not heard of for 15 s' },
  { what: 'is silent, seen by one who was cut off too', other: { silentMs: 60_000 }, own: { steadyMs: 5_999 } },
  { what: 'has no session for 5 s', other: { locked: false, silentMs: 5_000 } },
  {
    what: 'has no session for longer',
    other: { locked: false, silentMs: 5_001 },
    why: 'its connection is gone, and it was not heard of for 5 s',
  },
  {
    what: 'has none, seen by one who was cut off too',
    other: { locked: false, silentMs: 9_000 },
    own: { steadyMs: 0 },
  },
  {
    what: 'has no process here, and is judged at once',
    other: { locked: false, pid: GONE },
    own: { steadyMs: 0 },
    why: 'its process is gone',
  },
  { what: 'has a session, whatever its process id', other: { pid: GONE } },
  { what: 'has a process id of elsewhere', other: { locked: false, pid: GONE, place: 'there' } },
  {
    what: 'is somewhere, seen from nowhere',
    other: { locked: false, pid: GONE, place: '' },
    own: { place: undefined },
  },
];

test.each(CASES)('a daemon that $what', ({ other, own = {}, why }) => {
  const verdict = judgeDaemon({ ...alive, ...other }, { ...judge, ...own });

  expect(verdict?.why).toBe(why);
});
