import type { StatementPool } from './statement-pool.ts';
import { IMAGE_STATE_NUMBERS } from './state-numbers.ts';

const READY_IMAGES_SQL = `
  select provider_name as "provider", array_agg(distinct image_name) as "images"
  from snapshot_image where state = ${IMAGE_STATE_NUMBERS.ready} and external_id is not null group by provider_name`;

/** Names of the images from which nodes can be launched, by provider; a provider without any is absent. */
export async function readReadyImages(pool: StatementPool): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = await pool.rows<{ readonly provider: string; readonly images: readonly string[] }>(READY_IMAGES_SQL);
  return new Map(rows.map(({ provider, images }) => [provider, new Set(images)]));
}
