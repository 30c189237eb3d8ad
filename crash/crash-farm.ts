import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CrashPoint } from '../src/runtime/crash-point.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { CleanupStack } from '../test/integration/cleanup-stack.ts';
import { writeFarmConfig, writeFarmScripts } from '../test/integration/farm-config.ts';
import { LoggedProcess } from '../test/integration/logged-process.ts';
import type { Outage, Part } from './evidence.ts';
import { JobWitness } from './job-witness.ts';
import { CrashDatabase } from './rig/crash-database.ts';
import { CrashPeers } from './rig/crash-peers.ts';
import { CrashPrograms } from './rig/crash-programs.ts';
import { CrashSlot } from './rig/crash-slot.ts';

/** Nodes that are ready when no job waits. */
export const MIN_READY = 2;

/** A daemon to start: where it dies by itself, if it shall. */
export type DaemonOrder = { readonly crashAt?: { readonly point: CrashPoint; readonly count: number } };

/** A whole farm, each part of it in a process of its own that can be killed by SIGKILL. Dispose of it. */
export class CrashFarm implements AsyncDisposable {
  readonly witness: JobWitness;
  readonly database: CrashDatabase;
  readonly peers: CrashPeers;
  readonly outages: Outage[] = [];
  /** All daemons that were ever started, in order. */
  readonly daemons: LoggedProcess[] = [];
  readonly #slot: CrashSlot;
  readonly #programs: CrashPrograms;
  readonly #cleanups: CleanupStack;
  readonly #alive = new Set<LoggedProcess>();
  /** Those that have said that they run. */
  readonly #hearing = new Set<LoggedProcess>();
  /** Since when no daemon works. */
  #deafSinceMs: number | undefined;

  private constructor(parts: FarmParts, cleanups: CleanupStack) {
    this.witness = parts.witness;
    this.database = parts.database;
    this.peers = parts.peers;
    this.#slot = parts.slot;
    this.#programs = parts.programs;
    this.#cleanups = cleanups;
    cleanups.add(async () => {
      for (const daemon of this.#alive) await daemon.kill();
    });
  }

  /** Starts all but the daemon. */
  static async start(): Promise<CrashFarm> {
    const cleanups = new CleanupStack();
    try {
      const slot = await CrashSlot.take();
      cleanups.add(() => slot[Symbol.asyncDispose]());
      const programs = await CrashPrograms.build();
      cleanups.add(() => {
        programs[Symbol.dispose]();
        return Promise.resolve();
      });
      const witness = await JobWitness.start();
      cleanups.add(() => witness[Symbol.asyncDispose]());
      const database = await CrashDatabase.start(slot.stateDir);
      cleanups.add(() => database[Symbol.asyncDispose]());
      const peers = await CrashPeers.start({ slot, programs, command: witness.command });
      cleanups.add(() => peers[Symbol.asyncDispose]());
      const farm = new CrashFarm({ slot, programs, witness, database, peers }, cleanups);
      farm.#configure();
      return farm;
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  /** Nodepool's state directory. */
  get stateDir(): string {
    return this.#slot.stateDir;
  }

  /** Of the daemons that are alive. */
  get pids(): readonly number[] {
    return [...this.#alive].map(({ pid }) => pid);
  }

  /** Starts a daemon; does not wait for it. */
  startDaemon({ crashAt }: DaemonOrder = {}): LoggedProcess {
    const { folder, stateDir } = this.#slot;
    const [config, secure] = [join(folder, 'nodepool.yaml'), join(folder, 'secure.conf')];
    const daemon = new LoggedProcess([...this.#programs.daemon, '-d', '-c', config, '-s', secure], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        NODEPOOL_STATE_DIR: stateDir,
        NODEPOOL_SSH_KEY: this.peers.publicKey,
        ...(crashAt !== undefined && { NODEPOOL_CRASH_AT: `${crashAt.point}:${crashAt.count}` }),
      },
    });
    this.daemons.push(daemon);
    this.#alive.add(daemon);
    daemon.onChange(() => {
      if (daemon.hasEnded) this.#bury(daemon);
      else if (daemon.lines.at(-1)?.includes('Nodepool is running') === true) this.#hears(daemon);
    });
    return daemon;
  }

  /** Notes that a part was away; gives what is called when it works again. */
  beginOutage(part: Part): () => void {
    const fromMs = systemClock.monotonicMs();
    return () => {
      this.outages.push({ part, fromMs, toMs: systemClock.monotonicMs() });
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }

  #bury(daemon: LoggedProcess): void {
    this.#alive.delete(daemon);
    // One that still starts hears nothing either.
    if (this.#hearing.delete(daemon) && this.#hearing.size === 0) this.#deafSinceMs ??= systemClock.monotonicMs();
  }

  #hears(daemon: LoggedProcess): void {
    this.#hearing.add(daemon);
    if (this.#deafSinceMs === undefined) return;
    this.outages.push({ part: 'daemon', fromMs: this.#deafSinceMs, toMs: systemClock.monotonicMs() });
    this.#deafSinceMs = undefined;
  }

  #configure(): void {
    const { folder, machines } = this.#slot;
    const { cloud, jenkins, gearmanPort } = this.peers;
    mkdirSync(join(folder, 'scripts'));
    writeFarmScripts(folder);
    const facts = {
      ...{ folder, gearmanPort, authUrl: cloud.authUrl, sshPort: machines.port ?? 22 },
      ...{ jenkinsUrl: jenkins.url, zmqEndpoint: jenkins.zmqEndpoint, databaseUrl: undefined },
    };
    writeFarmConfig(facts, {
      label: { 'min-ready': MIN_READY },
      provider: { 'max-servers': 16, 'launch-timeout': 120, 'boot-timeout': 60 },
      top: { cron: { cleanup: '* * * * * */10' } },
    });
  }
}

type FarmParts = Pick<CrashFarm, 'witness' | 'database' | 'peers'> & {
  readonly slot: CrashSlot;
  readonly programs: CrashPrograms;
};
