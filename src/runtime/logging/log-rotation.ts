import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { strftime } from './strftime.ts';

/** When a file is put aside and a new one begun, and how many are kept. */
export type Rotation = SizeRotation | TimeRotation;

/** Python: RotatingFileHandler. The newest old file is `NAME.1`. No rotation where either number is 0. */
export type SizeRotation = { readonly kind: 'size'; readonly maxBytes: number; readonly keep: number };

/** Python: TimedRotatingFileHandler. An old file is named after the start of its period. `keep` 0 keeps all. */
export type TimeRotation = {
  readonly kind: 'time';
  readonly periodMs: number;
  readonly atMidnight: boolean;
  readonly keep: number;
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Puts `path` aside as `path.1` and moves the older ones on; the oldest goes. */
export function shiftNumbered(path: string, keep: number): void {
  for (let n = keep - 1; n >= 1; n -= 1) {
    if (existsSync(`${path}.${n}`)) renameSync(`${path}.${n}`, `${path}.${n + 1}`);
  }
  if (existsSync(path)) renameSync(path, `${path}.1`);
}

/** When the period that holds `at` ends: a multiple of the period later, or the next midnight. */
export function endOfPeriod(at: Date, { periodMs, atMidnight }: TimeRotation): number {
  if (!atMidnight) return at.getTime() + periodMs;
  const days = Math.max(1, Math.round(periodMs / DAY_MS));
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + days).getTime();
}

/** Puts `path` aside under the start of its period, and removes what is older than the `keep` newest. */
export function putAsideDated(path: string, endMs: number, rotation: TimeRotation): void {
  const dated = `${path}.${strftime(new Date(endMs - rotation.periodMs), suffixFormat(rotation))}`;
  // A period of less than its name's unit meets the same name again: the newer one wins, as in Python.
  if (existsSync(path)) renameSync(path, dated);
  if (rotation.keep === 0) return;
  const folder = dirname(path);
  const old = readdirSync(folder).filter((name) => isDated(name, basename(path)));
  for (const name of old.sort().slice(0, -rotation.keep)) rmSync(join(folder, name));
}

/** When the file was last written, or undefined if there is none: it may be left from an earlier period. */
export function lastWrite(path: string): Date | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtime;
}

function suffixFormat({ periodMs, atMidnight }: TimeRotation): string {
  if (atMidnight || periodMs % DAY_MS === 0) return '%Y-%m-%d';
  if (periodMs % HOUR_MS === 0) return '%Y-%m-%d_%H';
  return periodMs % MINUTE_MS === 0 ? '%Y-%m-%d_%H-%M' : '%Y-%m-%d_%H-%M-%S';
}

function isDated(name: string, base: string): boolean {
  return name.startsWith(`${base}.`) && /^\d{4}-\d\d-\d\d(_\d\d(-\d\d(-\d\d)?)?)?$/.test(name.slice(base.length + 1));
}
