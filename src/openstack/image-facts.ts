import * as z from 'zod';
import type { CloudImage } from '../provider/cloud-provider.ts';
import type { ApiCaller } from './api-caller.ts';
import type { FileSums } from './image-file.ts';
import { ImageBody, toImage } from './images.ts';
import { parseBody } from './parse-body.ts';

const FactsBody = ImageBody.extend({
  size: z.number().nullish(),
  checksum: z.string().nullish(),
  os_hash_algo: z.string().nullish(),
  os_hash_value: z.string().nullish(),
});

/** An image and what Glance tells of its data; what it does not tell is undefined. */
export type ImageFacts = { readonly image: CloudImage; readonly data: Partial<FileSums> };

/** Undefined: there is no such image. */
export async function readImageFacts(id: string, api: ApiCaller, signal: AbortSignal): Promise<ImageFacts | undefined> {
  return await api.call(
    {
      name: 'ImageGet',
      service: 'image',
      method: 'GET',
      path: `/images/${encodeURIComponent(id)}`,
      repeatable: true,
      accept: [404],
      read: (answer) => (answer.status === 404 ? undefined : toFacts(parseBody(FactsBody, answer))),
    },
    signal,
  );
}

/** What of the image's data is known to be other than what was sent; undefined: nothing. */
export function findDifference({ data }: ImageFacts, sent: FileSums): string | undefined {
  if (data.sizeBytes !== sent.sizeBytes) return `size ${data.sizeBytes ?? 'unknown'} instead of ${sent.sizeBytes}`;
  if (data.sha512 !== undefined && data.sha512 !== sent.sha512) return 'SHA-512 hash';
  return data.md5 !== undefined && data.md5 !== sent.md5 ? 'MD5 checksum' : undefined;
}

/** Old clouds know MD5 only; others may be set up to use neither. */
function toFacts(body: z.output<typeof FactsBody>): ImageFacts {
  const { size, checksum, os_hash_algo: algorithm, os_hash_value: hash } = body;
  return {
    image: toImage(body),
    data: {
      ...(typeof size === 'number' && { sizeBytes: size }),
      ...(typeof checksum === 'string' && { md5: checksum.toLowerCase() }),
      ...(algorithm === 'sha512' && typeof hash === 'string' && { sha512: hash.toLowerCase() }),
    },
  };
}
