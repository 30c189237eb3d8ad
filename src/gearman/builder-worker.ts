import type { BuilderWork, UploadWork } from '../image/builder-jobs.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { describeError } from '../runtime/errors.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import {
  BUILD_PREFIX,
  DELETE_PREFIX,
  parseBuildId,
  parseFields,
  placeFunction,
  textOf,
  UPLOAD_PREFIX,
} from './builder-functions.ts';
import { GearmanAdmin } from './gearman-admin.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';
import { GearmanWorker, type GearmanWorkerDeps } from './gearman-worker.ts';
import type { AssignedJob, JobHandler, JobReport } from './job-handler.ts';

/** Of an error on its way to a daemon. */
const MAX_ERROR_CHARS = 2_000;

/** For the server to hear of files that can be uploaded now. Reconnecting takes longer; the jobs wait then. */
const OFFER_LOOKS = 50;
const OFFER_LOOK_MS = 100;

export type BuilderWorkerOptions = {
  readonly servers: readonly GearmanServer[];
  /** How many builds may run at once. */
  readonly buildWorkers: number;
  /** How many uploads and deletions. */
  readonly uploadWorkers: number;
};

export type BuilderWorkerDeps = GearmanWorkerDeps & { readonly work: BuilderWork };

/**
 * Offers a builder's work to all servers. A job whose connection is lost is aborted: the server gives it to somebody else, or
 * to us again, and its result could not be told.
 */
export class BuilderWorker {
  readonly #builds: GearmanWorker;
  readonly #uploads: GearmanWorker;
  readonly #deps: BuilderWorkerDeps;
  /** Jobs at hand, also those that no server hears of any more. */
  readonly #running = new Set<Promise<unknown>>();
  #servers: readonly GearmanServer[];
  #diskimages: ReadonlySet<string> = new Set();

  constructor({ servers, buildWorkers, uploadWorkers }: BuilderWorkerOptions, deps: BuilderWorkerDeps) {
    this.#deps = deps;
    this.#servers = servers;
    this.#builds = new GearmanWorker({ servers, clientIds: clientIds('Build', buildWorkers) }, deps);
    this.#uploads = new GearmanWorker({ servers, clientIds: clientIds('Upload', uploadWorkers) }, deps);
  }

  /** Offers to build these and no others. */
  offerDiskImages(names: readonly string[]): void {
    const wanted = new Set(names);
    for (const name of this.#diskimages) if (!wanted.has(name)) this.#builds.withdraw(`${BUILD_PREFIX}${name}`);
    for (const name of wanted) {
      if (!this.#diskimages.has(name))
        this.#builds.register(`${BUILD_PREFIX}${name}`, this.#handler(this.#build(name)));
    }
    this.#diskimages = wanted;
  }

  /** Offers to upload and to delete the files of a build. May be repeated. */
  offerFiles(dibImageId: number): void {
    this.#uploads.register(`${UPLOAD_PREFIX}${dibImageId}`, this.#handler(this.#upload(dibImageId)));
    this.#uploads.register(`${DELETE_PREFIX}${dibImageId}`, this.#handler(this.#delete(dibImageId)));
  }

  /** Says that the files of all builds in this place are offered by now, see `placeOfFiles`. Call it after these offers. */
  offerPlace(place: string): void {
    const name = placeFunction(place);
    if (name !== undefined) this.#uploads.register(name, () => Promise.resolve({ type: 'fail' }));
  }

  setServers(servers: readonly GearmanServer[]): void {
    this.#servers = servers;
    this.#builds.setServers(servers);
    this.#uploads.setServers(servers);
  }

  /** How many jobs are at hand. */
  get busy(): number {
    return this.#running.size;
  }

  /** Takes no more jobs and resolves when those at hand have ended. The caller bounds the wait, then calls `close`. */
  async drain(): Promise<void> {
    await Promise.all([this.#builds.drain(), this.#uploads.drain()]);
  }

  /** Aborts the jobs at hand; servers give them to others. Resolves when they have ended. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#builds.close(), this.#uploads.close()]);
    await Promise.all(this.#running); // they tidy up
  }

  #build(diskimage: string): Work {
    return async ({ data, server }, signal) => {
      const asked = parseFields(data)['image-id'];
      const dibImageId = parseBuildId(String(typeof asked === 'number' ? asked : textOf(asked)));
      if (dibImageId === undefined) throw new Error(`Cannot build "${diskimage}": the job has no usable image-id`);
      const answer = await this.#deps.work.build({ diskimage, dibImageId }, signal);
      this.offerFiles(dibImageId); // before the answer: the daemon asks for uploads at once
      await this.#untilKnown(`${UPLOAD_PREFIX}${dibImageId}`, server, signal);
      return JSON.stringify({ 'image-id': String(dibImageId), ...answer });
    };
  }

  /** The offer goes over other connections than the answer, which might overtake it. Never throws. */
  async #untilKnown(name: string, server: string, signal: AbortSignal): Promise<void> {
    const place = this.#servers.find((each) => serverName(each) === server);
    if (place === undefined) return; // it left the configuration meanwhile
    const admin = new GearmanAdmin(place, this.#deps);
    try {
      for (let look = 0; look < OFFER_LOOKS; look += 1) {
        const { rows } = await admin.status(signal);
        if (rows.some((row) => row.name === name && row.workers > 0)) return;
        await this.#deps.clock.sleep(OFFER_LOOK_MS, signal);
      }
    } catch (error) {
      this.#deps.log.debug('Cannot see whether an offer has arrived', { server, error }); // it will
    } finally {
      admin.close();
    }
  }

  #upload(dibImageId: number): Work {
    return async ({ data }, signal) => {
      const { externalId } = await this.#deps.work.upload(parseUpload(dibImageId, data), signal);
      return JSON.stringify({ 'external-id': externalId });
    };
  }

  #delete(dibImageId: number): Work {
    return async (_job, signal) => {
      await this.#deps.work.remove(dibImageId, signal);
      // The connection that has this job withdraws after its answer, see GearmanWorker.
      this.#uploads.withdraw(`${UPLOAD_PREFIX}${dibImageId}`);
      this.#uploads.withdraw(`${DELETE_PREFIX}${dibImageId}`);
      return '';
    };
  }

  #handler(work: Work): JobHandler {
    return async (job, signal) => {
      const report = this.#report(job, work, signal);
      this.#running.add(report);
      return await report.finally(() => this.#running.delete(report));
    };
  }

  /** A failure goes out as data, then as WORK_FAIL: upstream's daemons know that, and ours read why. Never throws. */
  async #report(job: AssignedJob, work: Work, signal: AbortSignal): Promise<JobReport> {
    using joined = joinSignals(signal, job.disconnected);
    try {
      return { type: 'complete', result: await work(job, joined.signal) };
    } catch (error) {
      const why = describeError(error).slice(0, MAX_ERROR_CHARS);
      if (joined.signal.aborted) this.#deps.log.warn(`Job ${job.function} is left: ${why}`);
      else this.#deps.log.error(`Job ${job.function} failed: ${why}`);
      job.sendData(JSON.stringify({ error: why }));
      return { type: 'fail' };
    }
  }
}

type Work = (job: AssignedJob, signal: AbortSignal) => Promise<string>;

function clientIds(kind: 'Build' | 'Upload', count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `Nodepool Builder ${kind} Worker ${index + 1}`);
}

/** @throws {Error} it names no provider or no image */
function parseUpload(dibImageId: number, data: Buffer): UploadWork {
  const fields = parseFields(data);
  const [provider, image] = [textOf(fields['provider']), textOf(fields['image-name'])];
  if (provider === undefined || image === undefined)
    throw new Error('Cannot upload: the job names no provider or image');
  const properties = fields['properties'];
  const texts = Object.entries(typeof properties === 'object' && properties !== null ? properties : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const given = { cloudName: textOf(fields['hostname']), properties: texts.length === 0 ? undefined : texts };
  return {
    dibImageId,
    provider,
    image,
    ...definedOnly({
      cloudName: given.cloudName,
      properties: given.properties && Object.fromEntries(given.properties),
    }),
  };
}
