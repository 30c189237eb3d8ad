import { formatRecord } from '../../src/runtime/logging/format-record.ts';
import type { LogRecord } from '../../src/runtime/logging/log-record.ts';
import { pythonLogging } from '../../src/runtime/logging/python-logging.ts';
import { parsePythonTuple } from '../../src/runtime/logging/python-tuple.ts';
import { LoggingConfigError, readLoggingIni } from '../../src/runtime/logging/read-logging-ini.ts';
import { strftime } from '../../src/runtime/logging/strftime.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';

const LOGGING_CONF = `[loggers]
keys=root,nodepool
[handlers]
keys=console,debug,timed
[formatters]
keys=simple
[logger_root]
level=WARNING
handlers=console
[logger_nodepool]
level=DEBUG
handlers=debug,timed
qualname=nodepool
propagate=0
[handler_console]
class=StreamHandler
formatter=simple
args=(sys.stdout,)
[handler_debug]
class=logging.handlers.TimedNullHandler
args=('/nowhere/debug.log', 'H', 8, 30,)
[handler_timed]
class=NullHandler
level=INFO
args=("a", 10, None, True, -1.5)
[formatter_simple]
format=%(asctime)s %(levelname)-8s %(name)s[%(process)05d] %(msecs)03d %(created).3f: %(message)s
datefmt=%Y-%m-%d %H:%M:%S
`;
const RECORD: LogRecord = {
  at: new Date(0),
  name: 'nodepool.NodePool',
  level: 'info',
  message: 'A message',
  facts: { node: 12, error: new Error('no') },
};
/** A line of a log may be padded, but not to megabytes. */
const MAX_LINE = 1_000_000;

export const loggingConf: ByteTarget = {
  kind: 'bytes',
  name: 'logging-conf',
  about: 'logging.conf: warnings, or the refusal that is meant for operators; and formats of any kind',
  corpus: () => [Buffer.from(LOGGING_CONF), Buffer.from('%(asctime)s %(constructor)s %(message)9s')],
  words: [
    '%(',
    ')s',
    ')d',
    ')f',
    '%(message)',
    'class=',
    'args=(',
    'keys=',
    'constructor',
    'toString',
    '999999999',
    '.99',
  ],
  mayThrow: [LoggingConfigError],
  feed: (input) => {
    const text = input.toString();
    const words = text.split(/[=:\n]/); // also of a file that is refused
    for (const word of [text, ...words]) format(word);
    for (const word of words) tuple(word);
    for (const option of [...readLoggingIni(text).values()].flatMap((section) => [...section.values()])) format(option);
    // No file handlers here: inputs would choose the files that are written.
    pythonLogging(text.replaceAll(/file/gi, 'null'), systemClock, () => undefined).reopen();
  },
};

function format(option: string): void {
  const line = formatRecord(RECORD, option.slice(0, 20_000), option.slice(0, 500));
  promise(typeof line === 'string', 'A line is no text');
  promise(line.length <= MAX_LINE + 500 * option.length, 'A short format makes a huge line');
  strftime(RECORD.at, option);
}

function tuple(option: string): void {
  try {
    parsePythonTuple(option);
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error; // the promised one is a plain Error
  }
}
