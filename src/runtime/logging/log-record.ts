import type { Facts, LogLevel } from '../logger.ts';

/** One message on its way to the handlers. */
export type LogRecord = {
  readonly at: Date;
  readonly name: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Facts;
};

/** Python's level numbers, by which thresholds compare. */
export const LEVEL_NUMBER: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 };

/** Python's names. */
export const LEVEL_NAME: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
};
