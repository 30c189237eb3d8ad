import type { BenchDatabase } from './bench-database.ts';
import type { FarmSize } from './farm-text.ts';

/** Removes all images, builds and failures. */
export async function forgetImages(db: BenchDatabase): Promise<void> {
  await db.query('delete from snapshot_image');
  await db.query('delete from dib_image');
  await db.query('delete from build_failure');
}

/** Makes each image of the farm ready everywhere, with the one before it; of disk images with their builds. */
export async function fillReady(farm: FarmSize, db: BenchDatabase): Promise<void> {
  if (farm.imagesBy === 'diskimage') await fillBuilds(farm, db);
  await db.query(
    `insert into snapshot_image
       (provider_name, image_name, hostname, version, external_id, state, state_time, dib_image_id)
     select 'provider-' || p, 'image-' || i, 'template', b, gen_random_uuid()::text, 2,
       extract(epoch from now())::bigint, d.id
     from generate_series(1, $1) as p cross join generate_series(1, $2) as i cross join generate_series(1, 2) as b
     left join dib_image d on d.image_name = 'dib-' || i and d.version = b`,
    [farm.providers, farm.labels],
  );
  await db.query('analyze');
}

/** No provider has any image, and each of them failed now: the next try of all is an hour away. */
export async function fillFailed(farm: FarmSize, db: BenchDatabase): Promise<void> {
  const failure = `3, 'It ended with status 1', now(), now() + interval '1 hour'`;
  const into = 'insert into build_failure (provider_name, image_name, failures, last_error, failed_at, retry_at)';
  await db.query(
    `${into} select 'provider-' || p, 'image-' || i, ${failure}
     from generate_series(1, $1) as p, generate_series(1, $2) as i`,
    [farm.providers, farm.labels],
  );
  if (farm.imagesBy !== 'diskimage') return;
  await fillBuilds(farm, db);
  await db.query(`${into} select '', 'dib-' || i, ${failure} from generate_series(1, $1) as i`, [farm.labels]);
}

/** Two of each disk image. */
async function fillBuilds({ labels }: FarmSize, db: BenchDatabase): Promise<void> {
  await db.query(
    `insert into dib_image (image_name, filename, builder, formats, version, state, state_time)
     select 'dib-' || i, '/images/' || i, 'builder', array['qcow2'], b, 2, extract(epoch from now())::bigint
     from generate_series(1, $1) as i, generate_series(1, 2) as b`,
    [labels],
  );
}
