import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { z } from 'zod';
import type { ProviderName } from './image-config.ts';
import type { ImageFarm } from './image-farm.ts';

const Overview = z.object({
  servers: z.array(z.object({ name: z.string() })),
  keypairs: z.array(z.string()),
  images: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      status: z.string(),
      properties: z.record(z.string(), z.string()),
    }),
  ),
});

/** What a cloud has of all projects, but for its own images. */
export type CloudOverview = z.output<typeof Overview>;

/** Undefined: the cloud is dead. */
export async function overviewOf(
  farm: Pick<ImageFarm, 'cloud'>,
  provider: ProviderName,
): Promise<CloudOverview | undefined> {
  const address = farm.cloud(provider);
  if (address === undefined) return undefined;
  const { body } = await request(`${address.origin}/_devfarm/servers`, { headersTimeout: 5_000, bodyTimeout: 5_000 });
  return Overview.parse(await body.json());
}

/** Whether the cloud's data of an image is that of the builder's file, to the last byte. */
export function isWhole(farm: ImageFarm, provider: ProviderName, { id, path }: { id: string; path: string }): boolean {
  const data = join(farm.cloudDir(provider), 'images', id);
  return existsSync(data) && existsSync(path) && readFileSync(data).equals(readFileSync(path));
}
