import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { GearmanBuilderJobs } from '../../src/gearman/gearman-builder-jobs.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import { QueueStatusSource } from '../../src/gearman/queue-status-source.ts';
import type { BuilderOffers } from '../../src/image/builder-jobs.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { yamlOf } from '../builders/config-of.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { RunningProgram } from '../peers/built-programs.ts';
import { type Gearmand, startGearmand } from '../peers/gearmand.ts';
import { until } from '../peers/until.ts';

/** Stands in for disk-image-create: `$out` is the path to write to. */
const FAKE_DIB = `#!/bin/bash
while [ $# -gt 0 ]; do
  case $1 in -o) out=$2 ;; esac
  shift
done
. "$BUILD_SCRIPT"
`;

type Keys = Readonly<Record<string, unknown>>;

/** The program nodepool-builder with a folder, a real Gearman server, and a daemon's view of both. */
export class BuilderProgram implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'np-builder-program-'));
  readonly imagesDir = join(this.folder, 'images');
  readonly jobs: GearmanBuilderJobs;
  readonly #gearmand: Gearmand;
  readonly #client: GearmanClient;
  readonly #queueStatus: QueueStatusSource;

  private constructor(gearmand: Gearmand) {
    this.#gearmand = gearmand;
    const base = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };
    const deps = { ...base, tasks: new TaskBoard(systemClock) };
    this.#client = new GearmanClient({ servers: [gearmand], clientId: 'nodepool' }, deps);
    this.#queueStatus = new QueueStatusSource([gearmand], deps);
    this.jobs = new GearmanBuilderJobs({ client: this.#client, queueStatus: this.#queueStatus, clock: systemClock });
    mkdirSync(join(this.folder, 'bin'));
    this.write('bin/disk-image-create', FAKE_DIB);
    chmodSync(join(this.folder, 'bin/disk-image-create'), 0o755);
    this.writeConfig(['trusty']);
  }

  static async open(): Promise<BuilderProgram> {
    return new BuilderProgram(await startGearmand());
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** @param keys of nodepool.yaml, besides the disk images of these names */
  writeConfig(names: readonly string[], keys: Keys = {}): void {
    const { host, port } = this.#gearmand;
    const script = { BUILD_SCRIPT: join(this.folder, 'build.sh') };
    const diskimages = names.map((name) => ({ name, elements: ['debian'], 'env-vars': script }));
    const own = { 'gearman-servers': [{ host, port }], 'images-dir': this.imagesDir, diskimages };
    this.write('nodepool.yaml', yamlOf({ labels: [], providers: [], targets: [], ...own, ...keys }));
  }

  start(...words: readonly string[]): RunningProgram {
    return this.startAs({}, ...words);
  }

  /** @param account whose process it becomes; default: ours */
  startAs(account: { readonly uid?: number; readonly gid?: number }, ...words: readonly string[]): RunningProgram {
    const files = ['-c', join(this.folder, 'nodepool.yaml'), '-s', join(this.folder, 'secure.conf')];
    const PATH = `${join(this.folder, 'bin')}:${process.env['PATH'] ?? ''}`;
    const env = { ...process.env, HOME: this.folder, TMPDIR: this.folder, PATH };
    return new RunningProgram(
      spawn(join(inject('programs'), 'nodepool-builder'), [...files, ...words], { ...account, cwd: this.folder, env }),
    );
  }

  /** Starts it in the foreground and gives it once it offers its work. */
  async running(): Promise<RunningProgram> {
    const builder = this.start('-d');
    await builder.untilSaid('The image builder is running');
    return builder;
  }

  /** Resolves when the server's builders offer that. */
  async untilOffered(what: string, holds: (offers: BuilderOffers) => boolean): Promise<void> {
    await until(
      what,
      async () => {
        const offers = await this.jobs.offers(neverAborted);
        return offers !== undefined && holds(offers);
      },
      30_000,
    );
  }

  /** Ends the Gearman server at once. */
  async loseGearman(): Promise<void> {
    await this.#gearmand.kill();
  }

  get files(): readonly string[] {
    return existsSync(this.imagesDir) ? readdirSync(this.imagesDir).sort() : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    this.#queueStatus.close();
    await this.#gearmand[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
