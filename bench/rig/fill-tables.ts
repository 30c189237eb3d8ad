import type { BenchDatabase } from './bench-database.ts';
import type { FarmSize } from './farm-text.ts';

/** Makes every image of the farm ready in every provider. `externalId`: the cloud's image behind all of them. */
export async function fillImages(farm: FarmSize, db: BenchDatabase, externalId: string): Promise<void> {
  await db.query(
    `insert into snapshot_image (provider_name, image_name, hostname, version, external_id, state, state_time)
     select 'provider-' || p, 'image-' || i, 'template', extract(epoch from now())::bigint, $3, 2,
       extract(epoch from now())::bigint
     from generate_series(1, $1) as p, generate_series(1, $2) as i`,
    [farm.providers, farm.labels, externalId],
  );
}

/**
 * Adds nodes, spread over all labels, providers and targets as chance does it: nearly every group of the pass's query is
 * a node of its own, the worst case. `states` are Postgres' numbers, taken in turn.
 */
export async function fillNodes(
  farm: FarmSize,
  db: BenchDatabase,
  { count, states }: { readonly count: number; readonly states: readonly number[] },
): Promise<void> {
  // Steps without a common divisor go through all combinations.
  await db.query(
    `insert into node (provider_name, label_name, target_name, hostname, nodename, external_id, az, ip, ip_private,
       state, state_time, image_id, registered_at)
     select 'provider-' || 1 + n * 7 % $2, 'label-' || 1 + (n * 13 + n / $3) % $3, 'target-' || 1 + (n * 3 + n / 1000) % $4,
       'bench-' || n || '.example.org', 'bench-' || n, gen_random_uuid()::text, 'az1',
       '127.80.' || n / 250 || '.' || 1 + n % 250, '127.80.' || n / 250 || '.' || 1 + n % 250,
       ($5::integer[])[1 + n % array_length($5, 1)], extract(epoch from now())::bigint, 1, now()
     from generate_series(1, $1) as n`,
    [count, farm.providers, farm.labels, farm.targets, states],
  );
  await db.query('analyze');
}
