import type { Clock } from '../clock.ts';
import { asError } from '../errors.ts';
import { plainReason } from '../plain-reason.ts';
import { DEFAULT_FORMAT } from './format-record.ts';
import type { TimeRotation } from './log-rotation.ts';
import { FileSink, type LogSink, StreamSink } from './log-sink.ts';
import { type LogHandler, type LoggerSettings, LoggerTree } from './logger-tree.ts';
import { parsePythonTuple, type PythonValue } from './python-tuple.ts';
import { parseSyslogArgs } from './syslog-address.ts';
import { SyslogSink } from './syslog-sink.ts';
import { LoggingConfigError, readLoggingIni } from './read-logging-ini.ts';

const LEVELS: Readonly<Record<string, number>> = {
  NOTSET: 0,
  DEBUG: 10,
  INFO: 20,
  WARN: 30,
  WARNING: 30,
  ERROR: 40,
  CRITICAL: 50,
  FATAL: 50,
};
/** Sections without which Python refuses the file; without them nothing at all would be logged. */
const NEEDED_SECTIONS = ['loggers', 'handlers'];
const HOUR_MS = 3_600_000;
const PERIODS: Readonly<Record<string, number>> = {
  S: 1000,
  M: 60_000,
  H: HOUR_MS,
  D: 24 * HOUR_MS,
  MIDNIGHT: 24 * HOUR_MS,
};

type Section = ReadonlyMap<string, string>;
type Sections = ReadonlyMap<string, Section>;

/**
 * Logging as a Python logging.conf describes it (`[loggers] [handlers] [formatters]`, logging.config.fileConfig).
 * What is not understood is a warning: a daemon without one log file beats no daemon. One that would say nothing at all
 * does not.
 * @param warn told one line per thing that was left out
 * @throws {LoggingConfigError} a line that Python refuses, no loggers or no handlers, no logger "root", or none of its
 *   handlers can be used
 */
export function pythonLogging(text: string, clock: Clock, warn: (line: string) => void): LoggerTree {
  const sections = readLoggingIni(text);
  refuseSilence(sections);
  const handlers = new Map<string, LogHandler>();
  const leftOut: string[] = [];
  for (const name of keysOf(sections, 'handlers')) {
    const handler = readHandler(name, sections, (line) => leftOut.push(line));
    if (handler !== undefined) handlers.set(name, handler);
  }
  if (handlers.size === 0 && leftOut[0] !== undefined)
    throw new LoggingConfigError(undefined, `no handler works: ${leftOut[0]}`);
  for (const line of leftOut) warn(`logging configuration: ${line}`);
  const settings = new Map<string, LoggerSettings>();
  for (const name of keysOf(sections, 'loggers')) {
    const section = sections.get(`logger_${name}`);
    if (section === undefined) warn(`logging configuration: there is no section [logger_${name}]`);
    else settings.set(name === 'root' ? '' : (section.get('qualname') ?? name), readLogger(section, handlers, warn));
  }
  return new LoggerTree(settings, clock);
}

function refuseSilence(sections: Sections): void {
  const missing = NEEDED_SECTIONS.find((name) => !sections.has(name));
  if (missing !== undefined) throw new LoggingConfigError(undefined, `there is no section [${missing}]`);
  if (keysOf(sections, 'loggers').includes('root')) return;
  throw new LoggingConfigError(undefined, 'there is no "root" among the keys of [loggers]');
}

function keysOf(sections: Sections, name: string): readonly string[] {
  return splitList(sections.get(name)?.get('keys') ?? '');
}

function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function readLogger(
  section: Section,
  handlers: ReadonlyMap<string, LogHandler>,
  warn: (line: string) => void,
): LoggerSettings {
  return {
    level: levelOf(section, (line) => {
      warn(`logging configuration: ${line}`);
    }),
    handlers: splitList(section.get('handlers') ?? '').flatMap((name) => handlers.get(name) ?? []),
    propagate: section.get('propagate') !== '0',
  };
}

function levelOf(section: Section, leaveOut: (why: string) => void): number {
  const name = section.get('level') ?? 'NOTSET';
  const level = LEVELS[name.toUpperCase()];
  if (level === undefined && name !== '') leaveOut(`level "${name}" is unknown and left out`);
  return level ?? 0;
}

/** @param leaveOut told why, if it is left out or in part */
function readHandler(name: string, sections: Sections, leaveOut: (why: string) => void): LogHandler | undefined {
  const section = sections.get(`handler_${name}`);
  if (section === undefined) {
    leaveOut(`there is no section [handler_${name}]`);
    return undefined;
  }
  try {
    const sink = openSink(section);
    return (
      sink && {
        sink,
        level: levelOf(section, leaveOut),
        ...readFormatter(sections.get(`formatter_${section.get('formatter') ?? ''}`)),
      }
    );
  } catch (error) {
    leaveOut(`[handler_${name}] is left out: ${plainReason(error) ?? asError(error).message}`);
    return undefined;
  }
}

/** Python prints the bare message where a handler names no formatter. */
function readFormatter(section: Section | undefined): Pick<LogHandler, 'format' | 'datefmt'> {
  if (section === undefined) return { format: '%(message)s' };
  const datefmt = section.get('datefmt') ?? '';
  return { format: section.get('format') ?? DEFAULT_FORMAT, ...(datefmt !== '' && { datefmt }) };
}

type OpenSink = (args: readonly PythonValue[]) => LogSink | undefined;

/** Python's handler classes by name, without their module. */
const SINKS: ReadonlyMap<string, OpenSink> = new Map(
  Object.entries<OpenSink>({
    NullHandler: () => undefined,
    StreamHandler: (args) => new StreamSink(args[0] === 'sys.stdout' ? 'stdout' : 'stderr'),
    FileHandler: (args) => new FileSink(pathOf(args)),
    WatchedFileHandler: (args) => new FileSink(pathOf(args)),
    RotatingFileHandler: (args) =>
      new FileSink(pathOf(args), { kind: 'size', maxBytes: numberAt(args, 2), keep: numberAt(args, 3) }),
    TimedRotatingFileHandler: (args) => new FileSink(pathOf(args), timedRotation(args)),
    SysLogHandler: (args) => new SyslogSink(parseSyslogArgs(args)),
  }),
);

/** Undefined: a handler that keeps nothing. */
function openSink(section: Section): LogSink | undefined {
  const className = section.get('class') ?? '';
  const open = SINKS.get(className.replace(/^logging\./, '').replace(/^handlers\./, ''));
  if (open === undefined) throw new Error(`class "${className}" is not supported`);
  return open(parsePythonTuple(section.get('args') ?? '()'));
}

function pathOf(args: readonly PythonValue[]): string {
  const path = args[0];
  if (typeof path !== 'string') throw new Error('args name no file');
  return path.replace(/^~(?=\/)/, process.env['HOME'] ?? '~');
}

function numberAt(args: readonly PythonValue[], index: number): number {
  const value = args[index] ?? 0;
  if (typeof value === 'number') return value;
  throw new Error(`args have ${JSON.stringify(value)} where a number belongs`);
}

/** Python: TimedRotatingFileHandler(filename, when='h', interval=1, backupCount=0). */
function timedRotation(args: readonly PythonValue[]): TimeRotation {
  const when = String(args[1] ?? 'h').toUpperCase();
  const period = PERIODS[when] ?? (/^W[0-6]$/.test(when) ? 7 * 24 * HOUR_MS : undefined);
  if (period === undefined) throw new Error(`args have "${when}" where one of S, M, H, D, MIDNIGHT, W0 to W6 belongs`);
  return {
    kind: 'time',
    periodMs: period * Math.max(1, numberAt(args, 2)),
    atMidnight: when === 'MIDNIGHT',
    keep: numberAt(args, 3),
  };
}
