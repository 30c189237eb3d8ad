import { homedir } from 'node:os';
import { readFileSync, statSync } from 'node:fs';
import { systemClock } from '../runtime/clock.ts';
import { plainReason } from '../runtime/plain-reason.ts';
import { asError } from '../runtime/errors.ts';
import type { LogLevel } from '../runtime/logger.ts';
import type { LoggerTree } from '../runtime/logging/logger-tree.ts';
import { plainLogging } from '../runtime/logging/plain-logging.ts';
import { pythonLogging } from '../runtime/logging/python-logging.ts';
import { LoggingConfigError } from '../runtime/logging/read-logging-ini.ts';

/** No logging.conf is larger; a wrong path must not fill the memory. */
const MAX_BYTES = 1024 * 1024;

export type LoggingOptions = {
  /** Path of a Python logging.conf; `~` is the account's home. */
  readonly loggingConfig?: string;
  readonly jsonLog?: boolean;
};

/**
 * The loggers that the options ask for; without a file, everything from `level` on to standard error.
 * @throws {Error} the file cannot be read (upstream's words), or Python would refuse it; with its path, and its line
 */
export function openLogging(options: LoggingOptions, level: LogLevel): LoggerTree {
  if (options.loggingConfig === undefined) return plainLogging({ level, json: options.jsonLog ?? false }, systemClock);
  const path = options.loggingConfig.replace(/^~(?=\/|$)/, homedir());
  const text = readLoggingConfig(path);
  try {
    return pythonLogging(text, systemClock, (line) => {
      process.stderr.write(`${line}\n`);
    });
  } catch (error) {
    if (!(error instanceof LoggingConfigError)) throw error;
    const place = error.line === undefined ? path : `${path}:${error.line}`;
    throw new Error(`Unable to use logging config file ${place}: ${error.message}`, { cause: error });
  }
}

function readLoggingConfig(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error('it has more than 1 MiB');
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = plainReason(error) ?? asError(error).message;
    throw new Error(`Unable to read logging config file at ${path}: ${reason}`, { cause: error });
  }
}
