import type { Limits, ServerSize } from '../provider/cloud-provider.ts';
import type { ProviderStatus, ProviderStatusStore, Suspension } from '../provider/provider-status.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { andAlive } from './daemon-fence.ts';
import { SqlParameters } from './sql-text.ts';
import { type StoreDeps, writeBehindFence } from './store-deps.ts';

/** A suspension as JSON: its dates are text. */
type StoredSuspension = Omit<Suspension, 'since' | 'until'> & { readonly since: string; readonly until: string };

type StatusRow = {
  readonly provider: string;
  readonly breakers: readonly StoredSuspension[];
  readonly pauses: readonly StoredSuspension[];
  readonly limits: Limits | null;
  readonly sizes: Readonly<Record<string, ServerSize>> | null;
  readonly lastError: string | null;
  readonly changedAt: Date;
};

const SELECT = `
  select provider_name as "provider", breakers, pauses, limits, sizes, last_error as "lastError",
    changed_at as "changedAt"
  from provider_status`;
const FIND_SQL = `${SELECT} where provider_name = $1`;
const LIST_SQL = `${SELECT} order by provider_name collate "C"`;
const saveSql = (and: string): string => `
  insert into provider_status (provider_name, breakers, pauses, limits, sizes, last_error, changed_at)
  select $1::text, $2::jsonb, $3::jsonb, $4::jsonb, $5::jsonb, $6::text, $7::timestamptz where true ${and}
  on conflict (provider_name) do update set breakers = excluded.breakers, pauses = excluded.pauses,
    limits = excluded.limits, sizes = excluded.sizes, last_error = excluded.last_error, changed_at = excluded.changed_at
  returning 1`;
const TOUCH_SQL = 'update provider_status set changed_at = $2 where provider_name = $1';
const REMOVE_SQL = 'delete from provider_status where provider_name = $1';

/** The providers' health in Postgres. */
export class PgProviderStatusStore implements ProviderStatusStore {
  readonly #deps: StoreDeps;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
  }

  async find(provider: string): Promise<ProviderStatus | undefined> {
    const row = await this.#deps.pool.row<StatusRow>(FIND_SQL, [provider]);
    return row && toStatus(row);
  }

  async list(): Promise<readonly ProviderStatus[]> {
    return (await this.#deps.pool.rows<StatusRow>(LIST_SQL)).map(toStatus);
  }

  async save(status: Omit<ProviderStatus, 'changedAt'>): Promise<void> {
    const { provider, breakers, pauses, limits = null, sizes = null, lastError = null } = status;
    const json = [breakers, pauses, limits, sizes].map((value) => (value === null ? null : JSON.stringify(value)));
    const parameters = new SqlParameters(provider, ...json, lastError, this.#deps.clock.now());
    await writeBehindFence(this.#deps, saveSql(andAlive(this.#deps.fence, parameters)), parameters);
    this.#deps.onChanged('provider_status', []);
  }

  async touch(provider: string): Promise<void> {
    const parameters = new SqlParameters(provider, this.#deps.clock.now());
    const sql = `${TOUCH_SQL} ${andAlive(this.#deps.fence, parameters)} returning 1`;
    await writeBehindFence(this.#deps, sql, parameters);
  }

  async remove(provider: string): Promise<void> {
    const parameters = new SqlParameters(provider);
    const sql = `${REMOVE_SQL} ${andAlive(this.#deps.fence, parameters)} returning 1`;
    await writeBehindFence(this.#deps, sql, parameters);
    this.#deps.onChanged('provider_status', []);
  }
}

function toStatus(row: StatusRow): ProviderStatus {
  return definedOnly({
    ...row,
    breakers: row.breakers.map(toSuspension),
    pauses: row.pauses.map(toSuspension),
    limits: row.limits ?? undefined,
    sizes: row.sizes ?? undefined,
    lastError: row.lastError ?? undefined,
  });
}

function toSuspension(stored: StoredSuspension): Suspension {
  return { ...stored, since: new Date(stored.since), until: new Date(stored.until) };
}
