import {
  type BuildAnswer,
  BuilderJobError,
  type BuilderJobs,
  type BuilderOffers,
  type BuildRequest,
  type UploadAnswer,
  type UploadRequest,
} from '../../src/image/builder-jobs.ts';
import type { CloudImage } from '../../src/provider/cloud-provider.ts';
import { untilAborted } from './call-fates.ts';
import type { FakeCloud } from './fake-cloud.ts';

type Fate = Error | { readonly until: Promise<void> };

/**
 * Builders behind a Gearman in memory: a job that has the name of one under way joins it, jobs go on when their client is gone,
 * and uploads make images in the clouds.
 */
export class FakeBuilderJobs implements BuilderJobs {
  /** What builders can build. */
  readonly diskimages = new Set<string>();
  /** Builds that have files here. */
  readonly files = new Set<number>();
  /** Places whose builder is there. */
  readonly places = new Set<string>();
  /** False: no Gearman server answers. */
  isReachable = true;
  /** Jobs that a builder began, oldest first: `build 1`, `upload 1 fake-provider`, `remove 1`. */
  readonly begun: string[] = [];
  /** How often the offers were asked for. */
  asked = 0;
  /** What builders tell of a build besides that it is done. */
  answer: (dibImageId: number) => BuildAnswer = (id) => ({
    builder: 'builder-1',
    filename: `/images/${id}`,
    formats: ['qcow2'],
  });
  readonly #clouds: readonly FakeCloud[];
  readonly #fates: Fate[] = [];
  readonly #underWay = new Map<string, Promise<unknown>>();
  #images = 0;

  constructor(diskimages: readonly string[], clouds: readonly FakeCloud[] = []) {
    for (const name of diskimages) this.diskimages.add(name);
    this.#clouds = clouds;
  }

  /** The next job ends so. */
  failNext(kind: BuilderJobError['kind'], message: string): void {
    this.#fates.push(new BuilderJobError(kind, message));
  }

  /** The next job waits, at the builder, until the function that this gives is called. */
  holdNext(): () => void {
    let release = (): void => undefined;
    this.#fates.push({
      until: new Promise((resolve) => {
        release = resolve;
      }),
    });
    return () => {
      release();
    };
  }

  async build({ diskimage, dibImageId, attempt }: BuildRequest, signal: AbortSignal): Promise<BuildAnswer> {
    return await this.#join(attempt ?? `build ${dibImageId}`, signal, async () => {
      await this.#begin(`build ${dibImageId}`);
      if (!this.diskimages.has(diskimage)) throw new BuilderJobError('failed', `Unknown disk image ${diskimage}`);
      this.files.add(dibImageId);
      return this.answer(dibImageId);
    });
  }

  async upload(request: UploadRequest, signal: AbortSignal): Promise<UploadAnswer> {
    const { dibImageId, provider, cloudName, properties } = request;
    return await this.#join(request.attempt ?? `upload ${dibImageId} ${provider}`, signal, async () => {
      const cloud = this.#clouds.find(({ name }) => name === provider);
      if (!this.files.has(dibImageId)) throw new BuilderJobError('failed', `There are no files of ${dibImageId}`);
      if (cloud === undefined) throw new BuilderJobError('failed', `Unknown provider ${provider}`);
      this.#images += 1;
      const image: CloudImage = { id: `uploaded-${this.#images}`, name: cloudName, status: 'saving', properties };
      cloud.images.add(image);
      await this.#begin(`upload ${dibImageId} ${provider}`);
      cloud.images.add({ ...image, status: 'active' });
      return { externalId: image.id };
    });
  }

  async remove(dibImageId: number, signal: AbortSignal): Promise<void> {
    await this.#join(`remove ${dibImageId}`, signal, async () => {
      await this.#begin(`remove ${dibImageId}`);
      if (!this.files.delete(dibImageId)) throw new BuilderJobError('failed', `There are no files of ${dibImageId}`);
    });
  }

  offers(): Promise<BuilderOffers | undefined> {
    this.asked += 1;
    const { diskimages, files, places } = this;
    const offers = { diskimages: new Set(diskimages), dibImageIds: new Set(files), places: new Set(places) };
    return Promise.resolve(this.isReachable ? offers : undefined);
  }

  async #begin(job: string): Promise<void> {
    this.begun.push(job);
    const fate = this.#fates.shift();
    if (fate instanceof Error) throw fate;
    await fate?.until;
  }

  async #join<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const running = (this.#underWay.get(name) as Promise<T> | undefined) ?? this.#start(name, work);
    return await untilAborted(running, signal);
  }

  #start<T>(name: string, work: () => Promise<T>): Promise<T> {
    const running = work().finally(() => {
      this.#underWay.delete(name);
    });
    running.catch(() => undefined); // its client may be gone
    this.#underWay.set(name, running);
    return running;
  }
}
