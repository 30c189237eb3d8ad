import * as z from 'zod';
import { QuotaExceededError, RequestRefusedError, TransientProviderError } from '../provider/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { ProtocolError } from '../runtime/errors.ts';
import type { ApiCaller } from './api-caller.ts';
import { isPassingImportFailure } from './classify-nova-failure.ts';
import { deleteImage } from './images.ts';
import { type StoredObject } from './object-store.ts';
import { parseBody } from './parse-body.ts';
import type { UploadLeftovers } from './upload-leftovers.ts';

const POLL_MS = 5_000;
const MOST_TASKS = 3;

const TaskBody = z.object({
  id: z.string().min(1),
  status: z.string(),
  message: z.string().nullish(),
  result: z.object({ image_id: z.string().nullish() }).nullish().catch(undefined),
});
type ImageTask = z.output<typeof TaskBody>;

export type ImportOrder = {
  readonly object: StoredObject;
  readonly imageName: string;
  readonly left: UploadLeftovers;
};

type TaskDeps = { readonly provider: string; readonly api: ApiCaller; readonly clock: Clock };

/**
 * Has Glance make an image of an object, by a task, and gives the image's id (shade: _upload_image_task).
 * @throws {RequestRefusedError} the cloud does not like the data
 * @throws {TransientProviderError} it failed in a way that may pass, several times
 */
export async function importObject(order: ImportOrder, deps: TaskDeps, signal: AbortSignal): Promise<string> {
  const about = `The import of image "${order.imageName}" to "${deps.provider}" failed`;
  for (let tasks = 1; ; tasks += 1) {
    const { status, message, result } = await runTask(order, deps, signal);
    if (status === 'success') {
      if (typeof result?.image_id === 'string') return result.image_id;
      throw new ProtocolError(`${about}: its task succeeded and names no image`);
    }
    const reason = message ?? `task status "${status}"`;
    if (!isPassingImportFailure(reason)) throw new RequestRefusedError(`${about}: ${reason}`);
    if (tasks >= MOST_TASKS) throw new TransientProviderError(`${about} ${tasks} times: ${reason}`);
  }
}

/** From its start to its end. Until then there may come an image of it, whatever happens to us. */
async function runTask(order: ImportOrder, deps: TaskDeps, signal: AbortSignal): Promise<ImageTask> {
  const { left } = order;
  const what = 'an import task';
  left.add(what, () => Promise.reject(new Error('Nobody knows whether it was started')));
  const { id } = await startTask(order, deps.api, signal).catch((error: unknown) => {
    if (error instanceof RequestRefusedError || error instanceof QuotaExceededError) left.forget(what);
    throw error;
  });
  left.add(what, (inner) => endTask(id, deps, inner));
  const ended = await awaitTask(id, deps, signal);
  left.forget(what);
  return ended;
}

async function startTask({ object, imageName }: ImportOrder, api: ApiCaller, signal: AbortSignal): Promise<ImageTask> {
  const input = { import_from: `${object.container}/${object.name}`, image_properties: { name: imageName } };
  return await api.call(
    {
      name: 'ImageTaskCreate',
      service: 'image',
      method: 'POST',
      path: '/tasks',
      body: { type: 'import', input },
      repeatable: false,
      read: (answer) => parseBody(TaskBody, answer),
    },
    signal,
  );
}

async function awaitTask(id: string, { api, clock }: TaskDeps, signal: AbortSignal): Promise<ImageTask> {
  for (;;) {
    const task = await readTask(id, api, signal);
    if (task.status !== 'pending' && task.status !== 'processing') return task;
    await clock.sleep(POLL_MS, signal);
  }
}

/** A task cannot be called off: what it makes is removed. */
async function endTask(id: string, deps: TaskDeps, signal: AbortSignal): Promise<void> {
  const { result } = await awaitTask(id, deps, signal);
  if (typeof result?.image_id === 'string') await deleteImage(result.image_id, deps.api, signal);
}

async function readTask(id: string, api: ApiCaller, signal: AbortSignal): Promise<ImageTask> {
  return await api.call(
    {
      name: 'ImageTaskGet',
      service: 'image',
      method: 'GET',
      path: `/tasks/${encodeURIComponent(id)}`,
      repeatable: true,
      read: (answer) => parseBody(TaskBody, answer),
    },
    signal,
  );
}
