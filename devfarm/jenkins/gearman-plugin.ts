import type { Clock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import type { BuildRunner } from './build-runner.ts';
import type { ChangeBell } from './change-bell.ts';
import type { Computer, Executor } from './computer.ts';
import type { Computers } from './computers.ts';
import { functionsOf } from './gearman-functions.ts';
import { GearmanSession } from './gearman-session.ts';
import type { JobBook } from './job-book.ts';
import { runGearmanBuild } from './run-gearman-build.ts';
import { runManagerJob } from './run-manager-job.ts';
import type { StandInOptions } from './stand-in-options.ts';

export type GearmanPluginDeps = {
  readonly options: StandInOptions;
  readonly computers: Computers;
  readonly jobs: JobBook;
  readonly runner: BuildRunner;
  readonly bell: ChangeBell;
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomness: Randomness;
  readonly baseUrl: () => string;
  readonly isQuietingDown: () => boolean;
  readonly signal: AbortSignal;
};

/** gearman-plugin: a worker connection for the manager and one for each executor of each connected computer. */
export class GearmanPlugin {
  readonly #deps: GearmanPluginDeps;
  readonly #server: { readonly host: string; readonly port: number };
  readonly #manager: GearmanSession;
  readonly #sessions = new Map<Executor, GearmanSession>();
  readonly #stopListening: () => void;

  constructor(server: { readonly host: string; readonly port: number }, deps: GearmanPluginDeps) {
    this.#deps = deps;
    this.#server = server;
    const { managerName } = deps.options;
    this.#manager = new GearmanSession(
      {
        name: `${managerName}_manager`,
        server,
        isReady: () => true,
        functions: () => [`stop:${managerName}`, `set_description:${managerName}`],
        work: (job) => runManagerJob(job, deps),
      },
      deps,
    );
    this.#stopListening = deps.bell.listen(() => {
      this.#refresh();
    });
    this.#refresh();
  }

  /** Ends the connections, each after its job. */
  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all([this.#manager, ...this.#sessions.values()].map((session) => session.close()));
  }

  /** Cuts the connections: gearmand then gives their jobs to others. */
  kill(): void {
    this.#stopListening();
    for (const session of [this.#manager, ...this.#sessions.values()]) session.kill();
  }

  #refresh(): void {
    const wanted = new Map(
      this.#deps.computers
        .all()
        // A deleted computer's builds end on their connection: it is closed after them.
        .filter((computer) => computer.isConnected || (computer.removing && !computer.isIdle))
        .flatMap((computer) => computer.executors.map((executor) => [executor, computer] as const)),
    );
    for (const [executor, session] of this.#sessions) {
      if (wanted.has(executor) || executor.build !== undefined) continue;
      this.#sessions.delete(executor);
      void session.close();
    }
    for (const [executor, computer] of wanted) {
      const session = this.#sessions.get(executor);
      if (session === undefined) this.#sessions.set(executor, this.#open(computer, executor));
      else session.refresh();
    }
  }

  #open(computer: Computer, executor: Executor): GearmanSession {
    const { options, jobs } = this.#deps;
    return new GearmanSession(
      {
        name: `${computer.isBuiltIn ? options.managerName : computer.name}_exec-${executor.number}`,
        server: this.#server,
        isReady: () => !computer.isOffline && executor.build === undefined && !this.#deps.isQuietingDown(),
        functions: () => functionsOf(computer, jobs.all()),
        work: (job) => runGearmanBuild(job, { computer, executor }, this.#deps),
      },
      this.#deps,
    );
  }
}
