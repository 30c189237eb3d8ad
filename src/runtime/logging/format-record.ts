import { inspect } from 'node:util';
import { describeError } from '../errors.ts';
import type { Facts, LogLevel } from '../logger.ts';
import { LEVEL_NAME, LEVEL_NUMBER, type LogRecord } from './log-record.ts';
import { strftime } from './strftime.ts';

/** Upstream's default: `2016-01-04 19:51:16,056 DEBUG nodepool.NodePool: …`. */
export const DEFAULT_FORMAT = '%(asctime)s %(levelname)s %(name)s: %(message)s';

/** A bug's class; the errors that the program foresees have names of their own. */
const BUG_NAMES = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'AssertionError']);

/** The record by a Python logging format (`%(name)s`, `%(levelname)-8s`, …). Unknown fields print as nothing. */
export function formatRecord(record: LogRecord, format: string, datefmt?: string): string {
  const line = format.replaceAll(FIELD, (field) => {
    if (field === '%%') return '%';
    const [, name = '', ...shape] = /^%\((\w+)\)([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z])$/.exec(field) ?? [];
    const value = FIELDS.get(name)?.(record, datefmt) ?? '';
    return shapeField(value, shape);
  });
  return line.replaceAll(COMMANDS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

// Peers choose parts of messages (names, error pages, output of scripts): shown, they must not command a terminal.
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const COMMANDS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;

/** Wider or finer than any log wants; a slip of the pen must not make megabytes of each line. */
const WIDEST = 1000;
const FINEST = 20;

const FIELD = /%\(\w+\)[-+ 0#]*\d*(?:\.\d+)?[a-zA-Z]|%%/g;

/** Python's printf flags, width, precision and conversion, as far as log formats use them. */
function shapeField(
  value: string,
  [flags = '', width = '', precision, conversion]: readonly (string | undefined)[],
): string {
  const text = convert(value, precision, conversion);
  const columns = Math.min(Number(width), WIDEST);
  if (flags.includes('-')) return text.padEnd(columns);
  return text.padStart(columns, flags.includes('0') && conversion !== 's' ? '0' : ' ');
}

function convert(value: string, precision: string | undefined, conversion: string | undefined): string {
  if (conversion === 's') return precision === undefined ? value : value.slice(0, Number(precision));
  if (value === '') return value; // a field that means nothing here
  return conversion === 'f'
    ? Number(value).toFixed(Math.min(Number(precision ?? 6), FINEST))
    : String(Math.trunc(Number(value)));
}

/** The record as one line of JSON. Secrets print themselves as redacted. */
export function formatJson(record: LogRecord): string {
  const facts = Object.entries(record.facts).map(([key, value]) => [
    key,
    value instanceof Error ? errorText(value, record.level) : value,
  ]);
  const { at, name, level, message } = record;
  return JSON.stringify({ time: at.toISOString(), level, logger: name, message, ...Object.fromEntries(facts) });
}

/** What Python's LogRecord offers to formats, as far as it means something here. */
const FIELDS: ReadonlyMap<string, (record: LogRecord, datefmt: string | undefined) => string> = new Map(
  Object.entries<(record: LogRecord, datefmt: string | undefined) => string>({
    asctime: ({ at }, datefmt) => (datefmt === undefined ? pythonTime(at) : strftime(at, datefmt)),
    levelname: ({ level }) => LEVEL_NAME[level],
    levelno: ({ level }) => String(LEVEL_NUMBER[level]),
    name: ({ name }) => name,
    message: ({ message, facts, level }) => message + factsText(facts, level),
    process: () => String(process.pid),
    created: ({ at }) => String(at.getTime() / 1000),
    msecs: ({ at }) => String(at.getMilliseconds()),
    threadName: () => 'MainThread',
    processName: () => 'MainProcess',
  }),
);

function factsText(facts: Facts, level: LogLevel): string {
  const { error, ...others } = facts;
  const pairs = Object.entries(others)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${factText(value)}`);
  const text = pairs.length > 0 ? ` ${pairs.join(' ')}` : '';
  return error === undefined ? text : `${text}: ${errorText(error, level)}`;
}

function factText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(describeError(value));
  if (typeof value === 'string') return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return inspect(value, { breakLength: Infinity, depth: 3 });
}

/** A plain Error is a bug only where it is logged as an error: adapters warn of their peers with plain ones. */
function errorText(error: unknown, level: LogLevel): string {
  const text = describeError(error);
  if (!(error instanceof Error) || error.stack === undefined) return text;
  const isBug = BUG_NAMES.has(error.name) || (error.name === 'Error' && level === 'error');
  return isBug ? `${text}\n${error.stack}` : text;
}

function pythonTime(at: Date): string {
  return `${strftime(at, '%Y-%m-%d %H:%M:%S')},${String(at.getMilliseconds()).padStart(3, '0')}`;
}
