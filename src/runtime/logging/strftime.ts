const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

/** Python's time.strftime in the C locale and local time, for the fields that log formats and file names use. */
export function strftime(at: Date, format: string): string {
  return format.replaceAll(/%([A-Za-z%])/g, (match, field: string) => FIELDS[field]?.(at) ?? match);
}

const FIELDS: Readonly<Record<string, (at: Date) => string>> = {
  Y: (at) => String(at.getFullYear()),
  y: (at) => two(at.getFullYear() % 100),
  m: (at) => two(at.getMonth() + 1),
  B: (at) => MONTHS[at.getMonth()] ?? '',
  b: (at) => (MONTHS[at.getMonth()] ?? '').slice(0, 3),
  d: (at) => two(at.getDate()),
  e: (at) => String(at.getDate()).padStart(2),
  A: (at) => DAYS[at.getDay()] ?? '',
  a: (at) => (DAYS[at.getDay()] ?? '').slice(0, 3),
  H: (at) => two(at.getHours()),
  I: (at) => two(at.getHours() % 12 || 12),
  p: (at) => (at.getHours() < 12 ? 'AM' : 'PM'),
  M: (at) => two(at.getMinutes()),
  S: (at) => two(at.getSeconds()),
  F: (at) => strftime(at, '%Y-%m-%d'),
  T: (at) => strftime(at, '%H:%M:%S'),
  z: (at) => zone(-at.getTimezoneOffset()),
  '%': () => '%',
};

function two(n: number): string {
  return String(n).padStart(2, '0');
}

function zone(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}
