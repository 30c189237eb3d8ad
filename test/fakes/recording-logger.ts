import type { Facts, Logger, LogLevel } from '../../src/runtime/logger.ts';

export type LogEntry = {
  readonly level: LogLevel;
  readonly name: string;
  readonly message: string;
  readonly facts: Facts;
};

/** A logger that keeps what it was told, for tests that promise a log line. Children share the entries. */
export class RecordingLogger implements Logger {
  readonly name: string;
  readonly entries: LogEntry[];

  constructor(name = 'nodepool', entries: LogEntry[] = []) {
    this.name = name;
    this.entries = entries;
  }

  debug(message: string, facts: Facts = {}): void {
    this.#keep('debug', message, facts);
  }

  info(message: string, facts: Facts = {}): void {
    this.#keep('info', message, facts);
  }

  warn(message: string, facts: Facts = {}): void {
    this.#keep('warn', message, facts);
  }

  error(message: string, facts: Facts = {}): void {
    this.#keep('error', message, facts);
  }

  child(name: string): RecordingLogger {
    return new RecordingLogger(`${this.name}.${name}`, this.entries);
  }

  /** The messages of one level, in order. */
  messages(level: LogLevel): readonly string[] {
    return this.entries.filter((entry) => entry.level === level).map((entry) => entry.message);
  }

  #keep(level: LogLevel, message: string, facts: Facts): void {
    this.entries.push({ level, name: this.name, message, facts });
  }
}
