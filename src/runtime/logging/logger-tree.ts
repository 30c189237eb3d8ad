import type { Clock } from '../clock.ts';
import { describeError } from '../errors.ts';
import type { Facts, Logger, LogLevel } from '../logger.ts';
import { formatJson, formatRecord } from './format-record.ts';
import { LEVEL_NUMBER, type LogRecord } from './log-record.ts';
import type { LogSink } from './log-sink.ts';

export type LogHandler = {
  readonly sink: LogSink;
  /** Python's level number: records below it are dropped. */
  readonly level: number;
  /** Python format, or `json`. */
  readonly format: string;
  readonly datefmt?: string;
};

/** What one named logger of logging.conf says; names that are not listed take their parent's. */
export type LoggerSettings = {
  /** 0: as the parent. */
  readonly level: number;
  readonly handlers: readonly LogHandler[];
  readonly propagate: boolean;
};

/** Loggers by dotted name as Python's logging has them: levels are inherited, records travel up to the root. */
export class LoggerTree {
  readonly #clock: Clock;
  readonly #settings: ReadonlyMap<string, LoggerSettings>;

  /** @param settings by name; the root's name is empty */
  constructor(settings: ReadonlyMap<string, LoggerSettings>, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  logger(name: string): Logger {
    return new TreeLogger(name, this);
  }

  /** Opens log files again (SIGHUP). */
  reopen(): void {
    for (const { handlers } of this.#settings.values()) for (const { sink } of handlers) sink.reopen();
  }

  emit(name: string, level: LogLevel, text: { readonly message: string; readonly facts: Facts }): void {
    const number = LEVEL_NUMBER[level];
    if (number < this.#levelOf(name)) return;
    const record: LogRecord = { at: this.#clock.now(), name, level, ...text };
    for (const at of ancestry(name)) {
      const settings = this.#settings.get(at);
      for (const handler of settings?.handlers ?? []) if (number >= handler.level) write(record, handler);
      if (settings?.propagate === false) return;
    }
  }

  #levelOf(name: string): number {
    for (const at of ancestry(name)) {
      const level = this.#settings.get(at)?.level ?? 0;
      if (level > 0) return level;
    }
    return this.#settings.get('')?.level ?? LEVEL_NUMBER.warn; // Python: a root that is set to NOTSET lets all pass
  }
}

class TreeLogger implements Logger {
  readonly name: string;
  readonly #tree: LoggerTree;

  constructor(name: string, tree: LoggerTree) {
    this.name = name;
    this.#tree = tree;
  }

  debug(message: string, facts: Facts = {}): void {
    this.#tree.emit(this.name, 'debug', { message, facts });
  }

  info(message: string, facts: Facts = {}): void {
    this.#tree.emit(this.name, 'info', { message, facts });
  }

  warn(message: string, facts: Facts = {}): void {
    this.#tree.emit(this.name, 'warn', { message, facts });
  }

  error(message: string, facts: Facts = {}): void {
    this.#tree.emit(this.name, 'error', { message, facts });
  }

  child(name: string): Logger {
    return new TreeLogger(`${this.name}.${name}`, this.#tree);
  }
}

function write(record: LogRecord, handler: LogHandler): void {
  handler.sink.write(lineOf(record, handler), record.at, record.level);
}

/** A fact that cannot be printed (it refers to itself, or its getter throws) must not fail the code that logs it. */
function lineOf(record: LogRecord, { format, datefmt }: LogHandler): string {
  try {
    return format === 'json' ? formatJson(record) : formatRecord(record, format, datefmt);
  } catch (error) {
    const facts = { unprintable: describeError(error) };
    return format === 'json' ? formatJson({ ...record, facts }) : formatRecord({ ...record, facts }, format, datefmt);
  }
}

/** `a.b` → `a.b`, `a`, `` (the root). */
function ancestry(name: string): readonly string[] {
  const parts = name === '' ? [] : name.split('.');
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join('.')), ''];
}
