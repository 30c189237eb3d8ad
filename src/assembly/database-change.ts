import type { Config } from '../config/config.ts';
import { formatFault } from '../config/config-fault.ts';
import type { Logger } from '../runtime/logger.ts';

/**
 * Warns of each new database that a changed configuration names: the daemon stays with that of its start, for its nodes and
 * its claims are there.
 */
export class DatabaseChange {
  readonly #first: Config['databaseUrl'];
  readonly #log: Logger;
  #last: Config['databaseUrl'];

  constructor(first: Config, log: Logger) {
    this.#first = first.databaseUrl;
    this.#last = first.databaseUrl;
    this.#log = log;
  }

  look({ databaseUrl, places }: Config): void {
    const isTold = isSame(databaseUrl, this.#last);
    this.#last = databaseUrl;
    if (isTold || isSame(databaseUrl, this.#first)) return;
    const message = `The database changed, and the one of the start stays in use: restart nodepoold to use the new one`;
    const place = places?.databaseUrl;
    this.#log.warn(
      place === undefined ? `Key "dburi" is gone: ${message}` : formatFault({ ...place, path: 'dburi', message }),
    );
  }
}

function isSame(one: Config['databaseUrl'], other: Config['databaseUrl']): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
