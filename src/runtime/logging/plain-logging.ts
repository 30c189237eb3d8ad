import type { Clock } from '../clock.ts';
import type { LogLevel } from '../logger.ts';
import { DEFAULT_FORMAT } from './format-record.ts';
import { LEVEL_NUMBER } from './log-record.ts';
import { StreamSink } from './log-sink.ts';
import { LoggerTree } from './logger-tree.ts';

/** Logging without a configuration file: everything from `level` on to standard error. */
export function plainLogging(options: { readonly level: LogLevel; readonly json: boolean }, clock: Clock): LoggerTree {
  const handler = { sink: new StreamSink('stderr'), level: 0, format: options.json ? 'json' : DEFAULT_FORMAT };
  return new LoggerTree(
    new Map([['', { level: LEVEL_NUMBER[options.level], handlers: [handler], propagate: true }]]),
    clock,
  );
}
