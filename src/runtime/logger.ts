/** Facts that belong to a message: printed as `key=value`. An `error` fact is printed with its causes, a bug with its stack. */
export type Facts = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/**
 * Where messages go. Names are those of upstream's Python loggers (`nodepool.NodeLauncher`), on which operators'
 * logging.conf files match.
 */
export interface Logger {
  /** Dotted name, e.g. `nodepool.NodePool`. */
  readonly name: string;
  debug(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
  /** The logger below this one: `nodepool` → child('NodePool') → `nodepool.NodePool`. */
  child(name: string): Logger;
}
