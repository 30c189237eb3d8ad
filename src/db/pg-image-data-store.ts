import type { ImageData, ImageDataStore } from '../image/image-data.ts';
import type { Cause } from '../node/cause.ts';
import { PgIdStore } from './pg-id-store.ts';
import { IMAGE_STATE_NUMBERS, toEpochSeconds } from './state-numbers.ts';
import type { StoreDeps } from './store-deps.ts';

const READY = IMAGE_STATE_NUMBERS.ready;

const RESTORE_SQL = `
  with builds as (
    insert into dib_image (id, image_name, filename, version, builder, formats, state, state_time)
    select id, image_name, filename, version, builder, formats, ${READY}, state_time
    from jsonb_to_recordset($1::jsonb)
      as build (id integer, image_name text, filename text, version bigint, builder text, formats text[], state_time bigint)
    returning id
  ), images as (
    insert into snapshot_image
      (id, provider_name, image_name, hostname, version, external_id, dib_image_id, state, state_time)
    select id, provider_name, image_name, hostname, version, external_id, dib_image_id, ${READY}, state_time
    from jsonb_to_recordset($2::jsonb)
      as image (id integer, provider_name text, image_name text, hostname text, version bigint, external_id text,
        dib_image_id integer, state_time bigint)
    returning id
  )
  insert into history (at, subject, subject_id, event, to_state, why, who)
  select $3::timestamptz, subject, id, 'inserted', 'ready', $4::text, $5::text
  from (select 'dib-image' as subject, id from builds union all select 'image', id from images) as row`;

/** Puts images of another database into Postgres: one statement, all or nothing. */
export class PgImageDataStore implements ImageDataStore {
  readonly #deps: StoreDeps;
  readonly #ids: PgIdStore;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
    this.#ids = new PgIdStore(deps.pool);
  }

  async restore({ builds, images }: ImageData, { who, why }: Cause): Promise<void> {
    // First, so that no daemon takes such an id meanwhile.
    await this.#raise('dib-image', builds);
    await this.#raise('image', images);
    const buildRows = builds.map(({ diskimage, stateChangedAt, ...rest }) => ({
      ...rest,
      image_name: diskimage,
      state_time: toEpochSeconds(stateChangedAt),
    }));
    const imageRows = images.map(({ provider, image, externalId, dibImageId, stateChangedAt, ...rest }) => ({
      ...rest,
      ...{ provider_name: provider, image_name: image, external_id: externalId, dib_image_id: dibImageId },
      state_time: toEpochSeconds(stateChangedAt),
    }));
    const { pool, clock, onChanged } = this.#deps;
    await pool.rows(RESTORE_SQL, [JSON.stringify(buildRows), JSON.stringify(imageRows), clock.now(), why, who]);
    onChanged('dib_image', []);
    onChanged('snapshot_image', []);
  }

  async #raise(subject: 'image' | 'dib-image', rows: readonly { readonly id: number }[]): Promise<void> {
    if (rows.length > 0) await this.#ids.raiseAbove(subject, Math.max(...rows.map(({ id }) => id)), 0);
  }
}
