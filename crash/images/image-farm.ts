import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QueueStatusSource } from '../../src/gearman/queue-status-source.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import { CleanupStack } from '../../test/integration/cleanup-stack.ts';
import { LoggedProcess } from '../../test/integration/logged-process.ts';
import { type Gearmand, startGearmand } from '../../test/peers/gearmand.ts';
import type { CloudAddress } from '../rig/cloud-process.ts';
import { CrashDatabase } from '../rig/crash-database.ts';
import { CrashPrograms } from '../rig/crash-programs.ts';
import type { GlanceOptions } from '../rig/glance-process.ts';
import { insist } from '../rig/insist.ts';
import { type PeerProcess, startPeer } from '../rig/peer-process.ts';
import { PROVIDERS, type ProviderName, writeImageConfig } from './image-config.ts';
import { ImageSlot } from './image-slot.ts';
import { isOfBuilder, type Moment } from './moments.ts';

/** Our programs, and what each says when it works. */
const RUNNING = { nodepoold: /Nodepool is running/, builder: /The image builder is running/ } as const;
export type ImageProgram = keyof typeof RUNNING;

const LOOK_MS = 10;

/** A farm that makes disk images for two clouds, each part of it in a process of its own that can be killed. Dispose of it. */
export class ImageFarm implements AsyncDisposable {
  readonly slot: ImageSlot;
  readonly database: CrashDatabase;
  /** What gearmand has. */
  readonly queue: QueueStatusSource;
  /** What our programs said, each with its number. */
  readonly #told: { readonly name: string; readonly process: LoggedProcess }[] = [];
  readonly #programs: CrashPrograms;
  readonly #cleanups: CleanupStack;
  readonly #running = new Map<ImageProgram, LoggedProcess>();
  readonly #clouds = new Map<ProviderName, PeerProcess<CloudAddress>>();
  #gearmand: Gearmand;

  private constructor(parts: Parts, cleanups: CleanupStack) {
    this.slot = parts.slot;
    this.database = parts.database;
    this.#programs = parts.programs;
    this.#gearmand = parts.gearmand;
    this.#cleanups = cleanups;
    const log = new RecordingLogger();
    const deps = { clock: systemClock, log, tasks: new TaskBoard(systemClock) };
    this.queue = new QueueStatusSource([parts.gearmand], deps);
    cleanups.add(async () => {
      this.queue.close();
      for (const { process } of this.#told) await process.kill();
      for (const { process } of this.#clouds.values()) await process.kill();
      await this.#gearmand.kill();
    });
  }

  /** Starts all but our own programs. */
  static async start(): Promise<ImageFarm> {
    const cleanups = new CleanupStack();
    try {
      const slot = await ImageSlot.take();
      cleanups.add(() => slot[Symbol.asyncDispose]());
      const programs = await CrashPrograms.build();
      cleanups.add(() => {
        programs[Symbol.dispose]();
        return Promise.resolve();
      });
      const database = await CrashDatabase.start(slot.stateDir);
      cleanups.add(() => database[Symbol.asyncDispose]());
      const gearmand = await startGearmand();
      cleanups.add(() => gearmand.kill());
      const farm = new ImageFarm({ slot, programs, database, gearmand }, cleanups);
      for (const provider of PROVIDERS) await farm.startCloud(provider);
      const authUrlOf = (provider: ProviderName): string => farm.cloud(provider)?.authUrl ?? '';
      writeImageConfig({ slot, gearmanPort: gearmand.port, authUrlOf });
      return farm;
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  /** What our programs said, line for line. */
  get logs(): readonly string[] {
    return this.#told.flatMap(({ name, process }) => process.lines.map((line) => `${name}: ${line}`));
  }

  /** Where a cloud is, unless it is dead. */
  cloud(provider: ProviderName): CloudAddress | undefined {
    const cloud = this.#clouds.get(provider);
    return cloud?.process.hasEnded === false ? cloud.address : undefined;
  }

  /** The program that comes by this moment. */
  programAt(moment: Moment): ImageProgram {
    return isOfBuilder(moment) ? 'builder' : 'nodepoold';
  }

  /** Starts one of our programs, in place of the one that may run; it stops when it comes by that moment. Waits for neither. */
  async startProgram(name: ImageProgram, stopAt?: Moment): Promise<LoggedProcess> {
    await this.killProgram(name);
    const { folder, stateDir, programsDir, evidenceDir } = this.slot;
    const files = ['-d', '-c', join(folder, 'nodepool.yaml'), '-s', join(folder, 'secure.conf')];
    const words = {
      nodepoold: [...this.#programs.daemon, ...files, '--no-builder', '--no-webapp'],
      builder: [...this.#programs.builder, ...files],
    };
    const started = new LoggedProcess(words[name], {
      cwd: folder,
      env: {
        PATH: `${programsDir}:${process.env['PATH'] ?? ''}`,
        HOME: folder,
        NODEPOOL_STATE_DIR: stateDir,
        CRASH_EVIDENCE: evidenceDir,
        ...(stopAt !== undefined && { NODEPOOL_STOP_AT: stopAt }),
      },
    });
    this.#running.set(name, started);
    this.#told.push({ name: `${this.#told.length} ${name}`, process: started });
    return started;
  }

  /** Waits until the program works. */
  async untilRunning(name: ImageProgram): Promise<void> {
    await this.#running.get(name)?.logged(RUNNING[name]);
  }

  async killProgram(name: ImageProgram): Promise<void> {
    await this.#running.get(name)?.kill();
  }

  /** Lets a program that stands still go on. */
  goOn(name: ImageProgram): void {
    this.#running.get(name)?.signal('SIGCONT');
  }

  /** Resolves with true when the program stands still, with false if that takes too long or it has ended. */
  async untilStopped(name: ImageProgram, ms: number): Promise<boolean> {
    const endMs = systemClock.monotonicMs() + ms;
    const program = this.#running.get(name);
    while (program?.hasEnded === false && systemClock.monotonicMs() < endMs) {
      if (isStopped(program.pid)) return true;
      await systemClock.sleep(LOOK_MS);
    }
    return false;
  }

  async startCloud(provider: ProviderName): Promise<void> {
    const options: GlanceOptions = { stateDir: this.cloudDir(provider) };
    const { folder } = this.slot;
    this.#clouds.set(provider, await insist(() => startPeer(this.#programs.rig('glance-process'), options, folder)));
  }

  async killCloud(provider: ProviderName): Promise<void> {
    await this.#clouds.get(provider)?.process.kill();
  }

  /** Where a cloud keeps what it has. */
  cloudDir(provider: ProviderName): string {
    return join(this.slot.folder, `cloud-${provider}`);
  }

  async startGearmand(): Promise<void> {
    this.#gearmand = await insist(() => startGearmand({ port: this.#gearmand.port }));
  }

  async killGearmand(): Promise<void> {
    await this.#gearmand.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }
}

type Parts = Pick<ImageFarm, 'slot' | 'database'> & {
  readonly programs: CrashPrograms;
  readonly gearmand: Gearmand;
};

function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  } catch {
    return false; // it has just ended
  }
}
