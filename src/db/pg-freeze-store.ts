import type { Cause } from '../node/cause.ts';
import type { Freeze, FreezeStore } from '../node/freeze-store.ts';
import type { StoreDeps } from './store-deps.ts';

/** No row: nobody froze the farm. */
export const FIND_FREEZE_SQL = 'select since, who, why from "freeze"';
const FREEZE_SQL = `
  insert into "freeze" (since, who, why) values ($1, $2, $3)
  on conflict (only_row) do update set who = excluded.who, why = excluded.why
  returning since, who, why`;
const THAW_SQL = 'delete from "freeze" returning since';

/** The operator's brake in Postgres. */
export class PgFreezeStore implements FreezeStore {
  readonly #deps: StoreDeps;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
  }

  find(): Promise<Freeze | undefined> {
    return this.#deps.pool.row<Freeze>(FIND_FREEZE_SQL);
  }

  async freeze({ who, why }: Cause): Promise<Freeze> {
    const frozen = await this.#deps.pool.row<Freeze>(FREEZE_SQL, [this.#deps.clock.now(), who, why]);
    if (frozen === undefined) throw new Error('The freeze was not stored');
    this.#deps.onChanged('freeze', []);
    return frozen;
  }

  async thaw(): Promise<boolean> {
    const thawed = await this.#deps.pool.row(THAW_SQL);
    if (thawed !== undefined) this.#deps.onChanged('freeze', []);
    return thawed !== undefined;
  }
}
