import { Cron } from 'croner';
import { expect, test } from 'vitest';
import { parseCronSchedule } from '../../src/config/cron-schedule.ts';

function runs(source: string, count: number, from = '2016-01-01T00:00:00'): readonly string[] {
  const { pattern } = parseCronSchedule(source);
  const options = { mode: '6-part', domAndDow: true, timezone: 'UTC' } as const;
  return new Cron(pattern, options).nextRuns(count, from).map((date) => date.toISOString().slice(0, 19));
}

test.each([
  ['14 2 * * *', ['2016-01-01T02:14:00', '2016-01-02T02:14:00']],
  ['*/15 * * * *', ['2016-01-01T00:15:00', '2016-01-01T00:30:00']],
  ['5/20 0 * * *', ['2016-01-01T00:05:00', '2016-01-01T00:25:00', '2016-01-01T00:45:00', '2016-01-02T00:05:00']],
  ['10-12/2,30 4 1 jan *', ['2016-01-01T04:10:00', '2016-01-01T04:12:00', '2016-01-01T04:30:00']],
  // 0 is Monday: 4 January 2016 was one.
  ['0 0 * * 0', ['2016-01-04T00:00:00', '2016-01-11T00:00:00']],
  ['0 0 * * 6', ['2016-01-03T00:00:00', '2016-01-10T00:00:00']],
  ['0 0 * * sun', ['2016-01-03T00:00:00', '2016-01-10T00:00:00']],
  ['0 0 * * Mon-Wed', ['2016-01-04T00:00:00', '2016-01-05T00:00:00', '2016-01-06T00:00:00']],
  ['0 0 * * */3', ['2016-01-03T00:00:00', '2016-01-04T00:00:00', '2016-01-07T00:00:00']],
  // Day and day of week must both match, unlike in a crontab: the next Friday the 13th.
  ['0 0 13 * fri', ['2016-05-13T00:00:00', '2017-01-13T00:00:00']],
  ['0 0 last * *', ['2016-01-31T00:00:00', '2016-02-29T00:00:00', '2016-03-31T00:00:00']],
  ['0 0 15,last * *', ['2016-01-15T00:00:00', '2016-01-31T00:00:00', '2016-02-15T00:00:00']],
  ['0 0 last * sun', ['2016-01-31T00:00:00', '2016-07-31T00:00:00']],
  ['0 0 2nd fri * *', ['2016-01-08T00:00:00', '2016-02-12T00:00:00']],
  ['0 0 last sun * *', ['2016-01-31T00:00:00', '2016-02-28T00:00:00']],
  ['0 0 1st mon,3rd tue * *', ['2016-01-04T00:00:00', '2016-01-19T00:00:00', '2016-02-01T00:00:00']],
  ['0 0 1st mon,3rd tue * tue', ['2016-01-19T00:00:00', '2016-02-16T00:00:00']],
  // The sixth field is the second.
  ['* * * * * 30', ['2016-01-01T00:00:30', '2016-01-01T00:01:30']],
  ['* * * * * */20', ['2016-01-01T00:00:20', '2016-01-01T00:00:40', '2016-01-01T00:01:00']],
  ['  0  12  *  feb-mar  * ', ['2016-02-01T12:00:00', '2016-02-02T12:00:00']],
])('%j runs as under APScheduler', (source, expected) => {
  expect(runs(source, expected.length)).toEqual(expected);
});

test('the text of the file is kept, so that a list can show it', () => {
  expect(parseCronSchedule('*/1 * * * *')).toEqual({ source: '*/1 * * * *', pattern: '0 * * * * *' });
});

test.each([
  ['', 'Expected 5 or 6 fields'],
  ['* * * *', 'Expected 5 or 6 fields'],
  ['* * * * * 0 0', 'Expected at most 6 fields'],
  ['60 * * * *', 'Value 60 is out of range in field "minute": 0 to 59'],
  ['* 24 * * *', 'Value 24 is out of range in field "hour": 0 to 23'],
  ['* * 0 * *', 'Value 0 is out of range in field "day": 1 to 31'],
  ['* * * 13 *', 'Value 13 is out of range in field "month": 1 to 12'],
  ['* * * * 7', 'Value 7 is out of range in field "day of week": 0 to 6'],
  ['10-5 * * * *', 'it ends before it begins'],
  ['*/0 * * * *', 'the step is 0'],
  ['*-5 * * * *', 'Cannot read "*-5" in field "minute"'],
  ['1,,2 * * * *', 'Cannot read "" in field "minute"'],
  ['* * L * *', 'Cannot read "l" in field "day"'],
  ['* * ? * *', 'Cannot read "?" in field "day"'],
  ['* * * * fri#2', 'Cannot read "fri#2" in field "day of week"'],
  ['* * 1,2nd fri * *', 'numbers and weekdays cannot be mixed'],
  ['* * 2nd fri * mon', 'never match on the same day'],
  ['@daily', 'Expected 5 or 6 fields'],
  ['99999999999999999999/1 * * * *', 'Cannot read'],
])('%j is refused: %s', (source, message) => {
  expect(() => parseCronSchedule(source)).toThrow(message);
});
