import {
  type BuildAnswer,
  BuilderJobError,
  type BuilderJobs,
  type BuilderOffers,
  type BuildRequest,
  type UploadAnswer,
  type UploadRequest,
} from '../image/builder-jobs.ts';
import type { Clock } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { describeError } from '../runtime/errors.ts';
import {
  BUILD_PREFIX,
  DELETE_PREFIX,
  parseBuildId,
  parseFields,
  parsePlace,
  textOf,
  UPLOAD_PREFIX,
} from './builder-functions.ts';
import type { FunctionStatus } from './admin-lines.ts';
import type { GearmanClient, JobRequest } from './gearman-client.ts';
import type { QueueStatusSource } from './queue-status-source.ts';
import type { JobOutcome } from './submitted-job.ts';

/** Builds and uploads wait for each other in the queue. A builder bounds each of them. */
const WORK_LIMIT_MS = 48 * 3_600_000;
/** All upload workers may be at work for a while; what is not deleted now is deleted later. */
const REMOVE_LIMIT_MS = 600_000;

/** Between a builder's answer and the withdrawal of its offer, which comes right behind. */
const WITHDRAWN_LOOKS = 20;
const WITHDRAWN_LOOK_MS = 100;

export type GearmanBuilderJobsDeps = {
  /** With upstream's client id, `nodepool`. */
  readonly client: Pick<GearmanClient, 'submit'>;
  readonly queueStatus: Pick<QueueStatusSource, 'read'>;
  readonly clock: Clock;
};

/** Builders, over all Gearman servers. */
export class GearmanBuilderJobs implements BuilderJobs {
  readonly #deps: GearmanBuilderJobsDeps;

  constructor(deps: GearmanBuilderJobsDeps) {
    this.#deps = deps;
  }

  async build({ diskimage, dibImageId, attempt }: BuildRequest, signal: AbortSignal): Promise<BuildAnswer> {
    const data = { 'image-id': String(dibImageId) };
    const fields = await this.#run(
      { name: `${BUILD_PREFIX}${diskimage}`, data, limitMs: WORK_LIMIT_MS, attempt },
      signal,
    );
    const formats = fields['formats'];
    return definedOnly({
      builder: textOf(fields['builder']),
      filename: textOf(fields['filename']),
      formats: Array.isArray(formats) ? formats.filter((format) => typeof format === 'string') : undefined,
      checksums: parseChecksums(fields['checksums']),
    });
  }

  async upload(request: UploadRequest, signal: AbortSignal): Promise<UploadAnswer> {
    const { dibImageId, provider, image, cloudName, properties, attempt } = request;
    const data = { 'image-name': image, provider, hostname: cloudName, properties };
    const name = `${UPLOAD_PREFIX}${dibImageId}`;
    const externalId = textOf(
      (await this.#run({ name, data, limitMs: WORK_LIMIT_MS, attempt }, signal))['external-id'],
    );
    if (externalId === undefined)
      throw new BuilderJobError('failed', `Builder answered "${name}" without an external-id`);
    return { externalId };
  }

  async remove(dibImageId: number, signal: AbortSignal): Promise<void> {
    const offers = await this.offers(signal);
    if (offers !== undefined && !offers.dibImageIds.has(dibImageId)) {
      throw new BuilderJobError('failed', `No builder has the files of disk image ${dibImageId}`);
    }
    await this.#run({ name: `${DELETE_PREFIX}${dibImageId}`, data: '', limitMs: REMOVE_LIMIT_MS }, signal);
    await this.#untilWithdrawn(dibImageId, signal);
  }

  /** A builder may withdraw its offer after its answer only. Whatever is offered after that is another builder's. */
  async #untilWithdrawn(dibImageId: number, signal: AbortSignal): Promise<void> {
    for (let look = 0; look < WITHDRAWN_LOOKS; look += 1) {
      const offers = await this.offers(signal);
      if (offers?.dibImageIds.has(dibImageId) !== true) return;
      await this.#deps.clock.sleep(WITHDRAWN_LOOK_MS, signal);
    }
  }

  async offers(signal: AbortSignal): Promise<BuilderOffers | undefined> {
    const { servers } = await this.#deps.queueStatus.read(signal);
    const known = servers.filter(({ state }) => state !== 'unknown');
    if (known.length === 0) return undefined;
    const offered = known.flatMap(({ functions = [] }) => functions.filter(({ workers }) => workers > 0));
    const after = (prefix: string): readonly string[] =>
      offered.flatMap(({ name }) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
    return {
      diskimages: new Set(after(BUILD_PREFIX)),
      dibImageIds: new Set(after(UPLOAD_PREFIX).flatMap((id) => parseBuildId(id) ?? [])),
      // Old news would tell of a builder that has gone since.
      places: new Set(servers.flatMap((server) => (server.state === 'fresh' ? placesOf(server.functions) : []))),
    };
  }

  /** Gives the fields of the answer. */
  async #run(job: Job, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const request = { function: job.name, data: JSON.stringify(job.data), deadlineMs: job.limitMs };
    const outcome = await this.#submit({ ...request, ...definedOnly({ unique: job.attempt }) }, signal);
    if (outcome.type === 'completed') return parseFields(outcome.result);
    if (outcome.type === 'disconnected') {
      const message = `Lost the Gearman server ${outcome.server} while a builder worked on "${job.name}"`;
      throw new BuilderJobError('lost', message, { cause: outcome.error });
    }
    const why = outcome.type === 'exception' ? textOf(outcome.message) : toldReason(outcome);
    throw new BuilderJobError('failed', why ?? `Builder failed at "${job.name}" and did not say why`);
  }

  async #submit(request: JobRequest, signal: AbortSignal): Promise<JobOutcome> {
    try {
      return await this.#deps.client.submit(request, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new BuilderJobError('lost', describeError(error), { cause: error }); // no server, or no end in time
    }
  }
}

type Job = {
  readonly name: string;
  readonly data: unknown;
  readonly limitMs: number;
  readonly attempt?: string | undefined;
};

function placesOf(functions: readonly FunctionStatus[]): readonly string[] {
  return functions.flatMap(({ name, workers }) => (workers > 0 ? (parsePlace(name) ?? []) : []));
}

/** Our builders say why before they fail; upstream's do not. */
function toldReason({ data }: JobOutcome): string | undefined {
  return data.flatMap((chunk) => textOf(parseFields(chunk)['error']) ?? []).at(-1);
}

function parseChecksums(value: unknown): BuildAnswer['checksums'] {
  const byFormat = entriesOf(value).map(([format, sums]) => {
    const texts = entriesOf(sums).filter((sum): sum is [string, string] => typeof sum[1] === 'string');
    return [format, Object.fromEntries(texts)] as const;
  });
  return byFormat.length === 0 ? undefined : Object.fromEntries(byFormat);
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
