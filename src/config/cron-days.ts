import { CRON_FIELDS, CronError, readField, valuesOf, WEEKDAYS } from './cron-field.ts';

const POSITION = /^(1st|2nd|3rd|4th|5th|last)_([a-z]{3})$/;
const CRONER_POSITIONS: Readonly<Record<string, string>> = {
  '1st': '#1',
  '2nd': '#2',
  '3rd': '#3',
  '4th': '#4',
  '5th': '#5',
  last: '#L',
};

/**
 * Day and day of week for croner, where both must match. APScheduler counts weekdays from Monday (0) and has `2nd fri`
 * in the day field; croner counts from Sunday (0) and has `5#2` in the other.
 * @throws {CronError}
 */
export function readDays(day: string, weekday: string): { readonly day: string; readonly weekday: string } {
  const positions = day.split(',').filter((item) => POSITION.test(item.trim()));
  if (positions.length === 0) return { day: readMonthDays(day), weekday: readWeekdays(weekday) };
  if (positions.length !== day.split(',').length) {
    throw new CronError(`Cannot read "${spell(day)}" in field "day": numbers and weekdays cannot be mixed`);
  }
  return { day: '*', weekday: readPositions(positions, weekday) };
}

function readMonthDays(day: string): string {
  const items = day.split(',').map((item) => item.trim());
  const numbers = items.filter((item) => item !== 'last');
  const read = numbers.length === 0 ? [] : [readField(numbers.join(','), CRON_FIELDS.day)];
  return [...read, ...(numbers.length < items.length ? ['L'] : [])].join(',');
}

function readWeekdays(weekday: string): string {
  if (weekday === '*') return '*';
  return valuesOf(weekday, CRON_FIELDS.weekday).map(toCroner).join(',');
}

function readPositions(positions: readonly string[], weekday: string): string {
  const allowed = valuesOf(weekday, CRON_FIELDS.weekday);
  const read = positions.flatMap((item) => {
    const [, position = '', name = ''] = POSITION.exec(item.trim()) ?? [];
    const number = WEEKDAYS.indexOf(name);
    return allowed.includes(number) ? [`${toCroner(number)}${CRONER_POSITIONS[position] ?? ''}`] : [];
  });
  if (read.length === 0) throw new CronError('Field "day" and field "day of week" never match on the same day');
  return read.join(',');
}

function toCroner(weekday: number): number {
  return (weekday + 1) % 7;
}

function spell(day: string): string {
  return day.replaceAll('_', ' ');
}
