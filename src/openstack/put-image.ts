import * as z from 'zod';
import type { CloudImage } from '../provider/cloud-provider.ts';
import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
} from '../provider/errors.ts';
import type { ImageUpload } from '../provider/image-upload.ts';
import type { ApiCaller } from './api-caller.ts';
import { awaitImage } from './await-image.ts';
import { findDifference, type ImageFacts, readImageFacts } from './image-facts.ts';
import { deleteImage } from './images.ts';
import { newImageBody } from './new-image-body.ts';
import { parseBody } from './parse-body.ts';
import { type FileCall, sendImageFile, type SentFile } from './send-image-file.ts';
import type { Upload, UploadDeps } from './upload.ts';

const CreatedBody = z.object({ id: z.string().min(1) });

/** The ordinary way: a record that says whose it is, then the data, then a look at what the cloud has of it. */
export async function putImage(upload: Upload, deps: UploadDeps, signal: AbortSignal): Promise<CloudImage> {
  const { file, watch } = upload;
  const id = await createRecord(upload, deps, signal);
  await watch.onCreated?.(id);
  const sent = await sendImageFile({ what: `image "${id}"`, call: dataCall(id), file, watch }, deps, signal);
  await file.assertUnchanged();
  const facts = await awaitImage({ id, hasData: sent.doubt === undefined }, deps, signal);
  return wholeImage(facts, sent, `Image "${id}" in "${deps.provider}"`);
}

/** Under an id of ours, so that a second try after a lost answer makes no second image. */
async function createRecord(upload: Upload, deps: UploadDeps, signal: AbortSignal): Promise<string> {
  const { api } = deps;
  const ours = deps.randomness.uuid();
  const expect = (id: string): void => {
    upload.left.add(`image "${id}"`, (inner) => deleteImage(id, api, inner));
  };
  expect(ours);
  try {
    const id = await sendRecord({ upload: upload.upload, id: ours }, api, signal);
    if (id !== ours) upload.left.forget(`image "${ours}"`); // a cloud that has its own mind
    expect(id);
    return id;
  } catch (error) {
    if (error instanceof CredentialsRefusedError) upload.left.forget(`image "${ours}"`); // nor could we delete it
    if (!isRefusal(error)) throw error;
    // A refusal made nothing. But an earlier try may have: then it is the id that was refused.
    if ((await readImageFacts(ours, api, signal)) !== undefined) return ours;
    upload.left.forget(`image "${ours}"`);
    throw error;
  }
}

async function sendRecord(
  { upload, id }: { readonly upload: ImageUpload; readonly id: string },
  api: ApiCaller,
  signal: AbortSignal,
): Promise<string> {
  return await api.call(
    {
      name: 'ImageCreate',
      service: 'image',
      method: 'POST',
      path: '/images',
      body: newImageBody(upload, id),
      repeatable: true,
      read: (answer) => parseBody(CreatedBody, answer).id,
    },
    signal,
  );
}

function isRefusal(error: unknown): boolean {
  return error instanceof RequestRefusedError || error instanceof QuotaExceededError;
}

/** Glance: PUT /v2/images/{id}/file. */
function dataCall(id: string): FileCall<undefined> {
  return {
    name: 'ImageUpload',
    service: 'image',
    path: `/images/${encodeURIComponent(id)}/file`,
    read: () => undefined,
  };
}

function wholeImage(facts: ImageFacts | undefined, { sums, doubt }: SentFile<unknown>, about: string): CloudImage {
  if (facts?.image.status !== 'active') {
    if (doubt !== undefined) throw doubt;
    const status = facts === undefined ? 'gone' : `"${facts.image.status}"`;
    throw new TransientProviderError(`${about} is ${status} after its upload`);
  }
  const difference = findDifference(facts, sums);
  if (difference === undefined) return facts.image;
  throw new TransientProviderError(`${about} is not what was sent: it has another ${difference}`);
}
