import type { DibFailure, DibImage, DibImageFacts, NewDibImage } from '../image/dib-image.ts';
import type { DibImageFilter, DibImageStore } from '../image/dib-image-store.ts';
import { type ImageEvent, type ImageState, nextImageState } from '../image/lifecycle.ts';
import type { Cause } from '../node/cause.ts';
import { andAlive, andHeld } from './daemon-fence.ts';
import { CLEAR_FAILURE_SQL, saveFailureSql } from './pg-image-store.ts';
import { SqlParameters, whereAll } from './sql-text.ts';
import { IMAGE_STATE_NUMBERS, toEpochSeconds } from './state-numbers.ts';
import { type StoreDeps, writeBehindFence } from './store-deps.ts';
import { type TableShape, VersionedTable } from './versioned-table.ts';

const SHAPE: TableShape<ImageState, DibImage, DibImageFacts> = {
  table: 'dib_image',
  subject: 'dib-image',
  versionColumn: 'row_version', // `version` is upstream's: when the build began
  numbers: IMAGE_STATE_NUMBERS,
  fixed: { id: 'id', rowVersion: 'row_version', diskimage: 'image_name', version: 'version' },
  facts: {
    filename: 'filename',
    builder: 'builder',
    formats: 'formats',
    step: 'step',
    withdrawnFrom: 'withdrawn_from',
    lastError: 'last_error',
  },
  // Its files are no proof of anything that could be left in a cloud.
  names: 'array[]::text[]',
  orderBy: 'image_name collate "C", id',
};

const insertSql = (and: string): string => `
  insert into dib_image (image_name, version, state, state_time)
  select $1::text, $2::bigint, $3::integer, $4::bigint where true ${and}
  on conflict (image_name) where state = 1 do nothing returning *`;

const LIST_FAILURES_SQL = `
  select image_name as "diskimage", failures, last_error as "lastError", failed_at as "failedAt", retry_at as "retryAt"
  from build_failure where provider_name = '' order by image_name collate "C"`;

/** The builds of disk images in Postgres. */
export class PgDibImageStore implements DibImageStore {
  readonly #deps: StoreDeps;
  readonly #table: VersionedTable<ImageState, DibImage, DibImageFacts>;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
    this.#table = new VersionedTable(SHAPE, deps);
  }

  find(id: number): Promise<DibImage | undefined> {
    return this.#table.find(id);
  }

  list({ states, diskimage }: DibImageFilter = {}): Promise<readonly DibImage[]> {
    const parameters = new SqlParameters();
    const where = whereAll([
      states && `state = any(${parameters.add(states.map((state) => IMAGE_STATE_NUMBERS[state]))}::integer[])`,
      diskimage === undefined ? undefined : `image_name = ${parameters.add(diskimage)}`,
    ]);
    return this.#table.listWhere(where, parameters);
  }

  async insert({ diskimage, version }: NewDibImage, cause: Cause): Promise<DibImage | undefined> {
    const now = toEpochSeconds(this.#deps.clock.now());
    const parameters = new SqlParameters(diskimage, version, IMAGE_STATE_NUMBERS.building, now);
    const sql = insertSql(andHeld(this.#deps.fence, parameters));
    return (await this.#table.insert(sql, cause, parameters))[0];
  }

  // eslint-disable-next-line max-params -- the signature of DibImageStore
  async apply(
    image: DibImage,
    event: ImageEvent,
    cause: Cause,
    facts: DibImageFacts = {},
  ): Promise<DibImage | undefined> {
    const to = nextImageState(image.state, event);
    if (to === undefined) return undefined;
    return this.#table.move(image, image.rowVersion, { event, to, cause, facts });
  }

  record(id: number, facts: DibImageFacts): Promise<DibImage | undefined> {
    return this.#table.record(id, facts);
  }

  remove(image: DibImage, cause: Cause): Promise<void> {
    return this.#table.remove(image.id, cause);
  }

  listFailures(): Promise<readonly DibFailure[]> {
    return this.#deps.pool.rows<DibFailure>(LIST_FAILURES_SQL);
  }

  async saveFailure({ diskimage, failures, lastError, failedAt, retryAt }: DibFailure): Promise<void> {
    const parameters = new SqlParameters('', diskimage, failures, lastError, failedAt, retryAt);
    await writeBehindFence(this.#deps, saveFailureSql(andAlive(this.#deps.fence, parameters)), parameters);
  }

  async clearFailure(diskimage: string): Promise<void> {
    const parameters = new SqlParameters('', diskimage);
    const sql = `${CLEAR_FAILURE_SQL} ${andAlive(this.#deps.fence, parameters)} returning 1`;
    await writeBehindFence(this.#deps, sql, parameters);
  }
}
