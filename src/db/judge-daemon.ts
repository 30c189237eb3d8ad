/** What the database says about another daemon. */
export type Sighting = {
  readonly pid: number;
  readonly place: string;
  /** Its session holds its lock. */
  readonly locked: boolean;
  /** How long it was not heard of, by the database's clock. */
  readonly silentMs: number;
};

/** Who judges. */
export type Judge = {
  readonly place: string | undefined;
  readonly isProcessGone: (pid: number) => boolean;
  /** How long its own beats have come through in time. */
  readonly steadyMs: number;
};

export type Verdict = {
  readonly why: string;
  /** It holds only if the daemon was not heard of for so long. */
  readonly leastSilenceMs: number;
};

/** A daemon beats so often. */
export const BEAT_MS = 2_000;

/** Longest silence of a living daemon whose session still stands: it sleeps, or its host is gone. */
const SILENT_MS = 15_000;

/** The same where its session is over: it died, or it connects again. */
const UNLOCKED_MS = 5_000;

/** A database that was restarted, or stood still, lets nobody be heard; all get this time to be heard again. */
const PATIENCE_MS = 6_000;

/** Why a daemon counts as dead; undefined: it may live. */
export function judgeDaemon(other: Sighting, judge: Judge): Verdict | undefined {
  if (!other.locked && other.place === judge.place && judge.isProcessGone(other.pid)) {
    return { why: 'its process is gone', leastSilenceMs: 0 };
  }
  if (judge.steadyMs < PATIENCE_MS) return undefined;
  const seconds = Math.floor(other.silentMs / 1000);
  if (other.silentMs > SILENT_MS) {
    return { why: `it was not heard of for ${seconds} s`, leastSilenceMs: SILENT_MS };
  }
  if (!other.locked && other.silentMs > UNLOCKED_MS) {
    return { why: `its connection is gone, and it was not heard of for ${seconds} s`, leastSilenceMs: UNLOCKED_MS };
  }
  return undefined;
}
