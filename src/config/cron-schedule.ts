import { readDays } from './cron-days.ts';
import { CRON_FIELDS, CronError, readField } from './cron-field.ts';

/**
 * A schedule as croner reads it, translated from APScheduler's fields (0 = Monday, sixth field = second).
 * `source` is the text of nodepool.yaml.
 */
export type CronSchedule = {
  readonly source: string;
  /**
   * Six fields, second first, as croner takes them with the options `{ mode: '6-part', domAndDow: true }`:
   * day and day of week must both match.
   */
  readonly pattern: string;
};

/**
 * Reads `minute hour day month day-of-week [second]` as APScheduler 3 does.
 * @throws {CronError} it cannot
 */
export function parseCronSchedule(source: string): CronSchedule {
  const [minute, hour, day, month, weekday, second = '0', ...more] = splitFields(source);
  if (minute === undefined || hour === undefined || day === undefined || month === undefined || weekday === undefined) {
    throw new CronError('Expected 5 or 6 fields: minute hour day month day-of-week [second]');
  }
  if (more.length > 0) throw new CronError('Expected at most 6 fields: minute hour day month day-of-week [second]');
  const days = readDays(day, weekday);
  const pattern = [
    readField(second, CRON_FIELDS.second),
    readField(minute, CRON_FIELDS.minute),
    readField(hour, CRON_FIELDS.hour),
    days.day,
    readField(month, CRON_FIELDS.month),
    days.weekday,
  ];
  return { source, pattern: pattern.join(' ') };
}

/** What is wrong with the schedule; undefined: nothing. */
export function cronFault(source: string): string | undefined {
  try {
    parseCronSchedule(source);
    return undefined;
  } catch (error) {
    if (error instanceof CronError) return error.message;
    throw error;
  }
}

/** `2nd fri` is one item of the day field though it holds a blank. */
function splitFields(source: string): readonly string[] {
  return source
    .trim()
    .toLowerCase()
    .replaceAll(/(?<![a-z0-9])(1st|2nd|3rd|4th|5th|last)\s+(mon|tue|wed|thu|fri|sat|sun)(?![a-z0-9])/g, '$1_$2')
    .split(/\s+/)
    .filter((field) => field !== '');
}
