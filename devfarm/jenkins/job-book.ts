import type { Clock } from '../../src/runtime/clock.ts';
import type { Collection } from '../openstack/journal.ts';
import type { ConsoleLogs } from './console-logs.ts';
import type { BuildRecord, BuildResult, JobRecord } from './farm-records.ts';
import type { JobOptions } from './stand-in-options.ts';

export type JobBookDeps = {
  readonly jobs: Collection<JobRecord>;
  readonly builds: Collection<BuildRecord>;
  readonly logs: ConsoleLogs;
  readonly clock: Clock;
};

export type NewBuild = Pick<BuildRecord, 'parameters' | 'builtOn' | 'by' | 'queueId'>;

/** Builds kept per job. */
const KEPT_BUILDS = 200;

/** Jobs and their builds. */
export class JobBook {
  readonly logs: ConsoleLogs;
  readonly #deps: JobBookDeps;

  constructor(deps: JobBookDeps) {
    this.#deps = deps;
    this.logs = deps.logs;
  }

  /** Takes over the configured jobs, and ends the builds that an earlier run left under way. */
  restore(configured: readonly JobOptions[]): void {
    const names = new Set(configured.map((job) => job.name));
    for (const job of this.all()) if (!job.made && !names.has(job.id)) this.#deps.jobs.remove(job.id);
    for (const job of configured) this.#put(job, false);
    for (const build of this.#deps.builds.where((one) => one.result === undefined)) {
      this.#deps.builds.change(build.id, { result: 'FAILURE', durationMs: 0 });
    }
  }

  all(): readonly JobRecord[] {
    return this.#deps.jobs.all();
  }

  find(name: string): JobRecord | undefined {
    return this.#deps.jobs.find(name);
  }

  /** Makes a job as the API does; false: there is one of that name. */
  make(job: JobOptions): boolean {
    if (this.find(job.name) !== undefined) return false;
    this.#put(job, true);
    return true;
  }

  /** Newest first. */
  buildsOf(job: string): readonly BuildRecord[] {
    return this.#deps.builds.where((build) => build.job === job).sort((a, b) => b.number - a.number);
  }

  findBuild(job: string, number: number): BuildRecord | undefined {
    return this.#deps.builds.find(`${job}/${number}`);
  }

  startBuild(job: JobRecord, build: NewBuild): BuildRecord {
    const number = this.find(job.id)?.nextNumber ?? 1;
    this.#deps.jobs.change(job.id, { nextNumber: number + 1 });
    this.#prune(job.id);
    const startedAtMs = this.#deps.clock.now().getTime();
    return this.#deps.builds.put({ id: `${job.id}/${number}`, job: job.id, number, startedAtMs, ...build });
  }

  endBuild(build: BuildRecord, result: BuildResult): void {
    const durationMs = this.#deps.clock.now().getTime() - build.startedAtMs;
    this.#deps.builds.change(build.id, { result, durationMs });
    this.logs.end(build.id);
  }

  describeBuild(build: BuildRecord, description: string): void {
    this.#deps.builds.change(build.id, { description });
  }

  /** What Jenkins expects a build to take: the mean of the last three; -1 without any. */
  estimateMs(job: string): number {
    const durations = this.buildsOf(job)
      .flatMap(({ durationMs }) => (durationMs === undefined ? [] : [durationMs]))
      .slice(0, 3);
    if (durations.length === 0) return -1;
    return Math.round(durations.reduce((sum, ms) => sum + ms, 0) / durations.length);
  }

  #put({ name, label, nodeParameter, ...job }: JobOptions, made: boolean): void {
    this.#deps.jobs.put({
      id: name,
      ...job,
      ...(label !== undefined && { label }),
      ...(nodeParameter !== undefined && { nodeParameter }),
      made,
      nextNumber: this.find(name)?.nextNumber ?? 1,
    });
  }

  #prune(job: string): void {
    for (const build of this.buildsOf(job).slice(KEPT_BUILDS)) {
      if (build.result === undefined) continue;
      this.#deps.builds.remove(build.id);
      this.logs.remove(build.id);
    }
  }
}
