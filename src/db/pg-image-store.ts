import type { ImageFilter, ImageStore } from '../image/image-store.ts';
import type { ImageEvent, ImageState } from '../image/lifecycle.ts';
import { nextImageState } from '../image/lifecycle.ts';
import type { BuildFailure, NewSnapshotImage, SnapshotImage, SnapshotImageFacts } from '../image/snapshot-image.ts';
import type { Cause } from '../node/cause.ts';
import { SqlParameters, whereAll } from './sql-text.ts';
import { IMAGE_STATE_NUMBERS, toEpochSeconds } from './state-numbers.ts';
import { andAlive, andHeld } from './daemon-fence.ts';
import { type StoreDeps, writeBehindFence } from './store-deps.ts';
import type { TableShape } from './versioned-table.ts';
import { VersionedTable } from './versioned-table.ts';

const SHAPE: TableShape<ImageState, SnapshotImage, SnapshotImageFacts> = {
  table: 'snapshot_image',
  subject: 'image',
  versionColumn: 'row_version', // `version` is upstream's: when the build began
  numbers: IMAGE_STATE_NUMBERS,
  fixed: {
    id: 'id',
    rowVersion: 'row_version',
    provider: 'provider_name',
    image: 'image_name',
    version: 'version',
    dibImageId: 'dib_image_id',
  },
  facts: {
    hostname: 'hostname',
    externalId: 'external_id',
    serverExternalId: 'server_external_id',
    baseImageId: 'base_image_id',
    step: 'step',
    stepStartedAt: 'step_time',
    attempt: 'attempt',
    hostKey: 'host_key',
    lastError: 'last_error',
    failedLaunches: 'failed_launches',
    launchedAt: 'launched_at',
  },
  // Its keypair's, with and without the id, and its server's.
  names: "array[split_part(hostname, '.', 1) || '-' || id, split_part(hostname, '.', 1), server_external_id]",
  // By bytes: the same on every server, whatever its locale.
  orderBy: 'provider_name collate "C", image_name collate "C", id',
};

const insertSql = (and: string): string => `
  insert into snapshot_image (provider_name, image_name, version, state, state_time, dib_image_id)
  select $1::text, $2::text, $3::bigint, $4::integer, $5::bigint, $6::integer where true ${and}
  on conflict (provider_name, image_name) where state = 1 do nothing returning *`;

const LIST_FAILURES_SQL = `
  select provider_name as "provider", image_name as "image", failures, last_error as "lastError",
    failed_at as "failedAt", retry_at as "retryAt"
  from build_failure where provider_name <> '' order by provider_name collate "C", image_name collate "C"`;

/** Without a provider's name it is of a disk image's build. */
export const saveFailureSql = (and: string): string => `
  insert into build_failure (provider_name, image_name, failures, last_error, failed_at, retry_at)
  select $1::text, $2::text, $3::integer, $4::text, $5::timestamptz, $6::timestamptz where true ${and}
  on conflict (provider_name, image_name) do update set failures = excluded.failures,
    last_error = excluded.last_error, failed_at = excluded.failed_at, retry_at = excluded.retry_at
  returning 1`;

export const CLEAR_FAILURE_SQL = 'delete from build_failure where provider_name = $1 and image_name = $2';

/** The providers' images in Postgres. */
export class PgImageStore implements ImageStore {
  readonly #deps: StoreDeps;
  readonly #table: VersionedTable<ImageState, SnapshotImage, SnapshotImageFacts>;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
    this.#table = new VersionedTable(SHAPE, deps);
  }

  find(id: number): Promise<SnapshotImage | undefined> {
    return this.#table.find(id);
  }

  list(filter: ImageFilter = {}): Promise<readonly SnapshotImage[]> {
    const { states, provider, image } = filter;
    const parameters = new SqlParameters();
    const where = whereAll([
      states && `state = any(${parameters.add(states.map((state) => IMAGE_STATE_NUMBERS[state]))}::integer[])`,
      provider === undefined ? undefined : `provider_name = ${parameters.add(provider)}`,
      image === undefined ? undefined : `image_name = ${parameters.add(image)}`,
    ]);
    return this.#table.listWhere(where, parameters);
  }

  async insert(image: NewSnapshotImage, cause: Cause): Promise<SnapshotImage | undefined> {
    const now = toEpochSeconds(this.#deps.clock.now());
    const state = IMAGE_STATE_NUMBERS.building;
    const { provider, image: name, version, dibImageId = null } = image;
    const parameters = new SqlParameters(provider, name, version, state, now, dibImageId);
    const sql = insertSql(andHeld(this.#deps.fence, parameters));
    return (await this.#table.insert(sql, cause, parameters))[0];
  }

  // eslint-disable-next-line max-params -- the signature of ImageStore
  async apply(
    image: SnapshotImage,
    event: ImageEvent,
    cause: Cause,
    facts: SnapshotImageFacts = {},
  ): Promise<SnapshotImage | undefined> {
    const to = nextImageState(image.state, event);
    if (to === undefined) return undefined;
    return this.#table.move(image, image.rowVersion, { event, to, cause, facts });
  }

  record(id: number, facts: SnapshotImageFacts): Promise<SnapshotImage | undefined> {
    return this.#table.record(id, facts);
  }

  noteLaunch(id: number, event: 'launched' | 'launchFailed', cause: Cause): Promise<SnapshotImage | undefined> {
    const parameters = new SqlParameters(id);
    const change =
      event === 'launchFailed'
        ? `failed_launches = coalesce(failed_launches, 0) + 1, last_error = ${parameters.add(cause.why)}::text`
        : `failed_launches = null, launched_at = coalesce(launched_at, ${parameters.add(this.#deps.clock.now())}::timestamptz)`;
    return this.#table.note(id, change, { event, cause, parameters });
  }

  remove(image: SnapshotImage, cause: Cause): Promise<void> {
    return this.#table.remove(image.id, cause);
  }

  listFailures(): Promise<readonly BuildFailure[]> {
    return this.#deps.pool.rows<BuildFailure>(LIST_FAILURES_SQL);
  }

  async saveFailure(failure: BuildFailure): Promise<void> {
    const { provider, image, failures, lastError, failedAt, retryAt } = failure;
    const parameters = new SqlParameters(provider, image, failures, lastError, failedAt, retryAt);
    await writeBehindFence(this.#deps, saveFailureSql(andAlive(this.#deps.fence, parameters)), parameters);
  }

  async clearFailure(provider: string, image: string): Promise<void> {
    const parameters = new SqlParameters(provider, image);
    const sql = `${CLEAR_FAILURE_SQL} ${andAlive(this.#deps.fence, parameters)} returning 1`;
    await writeBehindFence(this.#deps, sql, parameters);
  }
}
