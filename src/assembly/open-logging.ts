import { homedir } from 'node:os';
import { readFileSync, statSync } from 'node:fs';
import { systemClock } from '../runtime/clock.ts';
import type { LogLevel } from '../runtime/logger.ts';
import type { LoggerTree } from '../runtime/logging/logger-tree.ts';
import { plainLogging } from '../runtime/logging/plain-logging.ts';
import { pythonLogging } from '../runtime/logging/python-logging.ts';

/** No logging.conf is larger; a wrong path must not fill the memory. */
const MAX_BYTES = 1024 * 1024;

export type LoggingOptions = {
  /** Path of a Python logging.conf; `~` is the account's home. */
  readonly loggingConfig?: string;
  readonly jsonLog?: boolean;
};

/**
 * The loggers that the options ask for; without a file, everything from `level` on to standard error.
 * @throws {Error} the file cannot be read (upstream's words)
 */
export function openLogging(options: LoggingOptions, level: LogLevel): LoggerTree {
  if (options.loggingConfig === undefined) return plainLogging({ level, json: options.jsonLog ?? false }, systemClock);
  const path = options.loggingConfig.replace(/^~(?=\/|$)/, homedir());
  return pythonLogging(readLoggingConfig(path), systemClock, (line) => {
    process.stderr.write(`${line}\n`);
  });
}

function readLoggingConfig(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error('it has more than 1 MiB');
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`Unable to read logging config file at ${path}`, { cause: error });
  }
}
