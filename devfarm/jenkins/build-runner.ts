import type { Clock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import type { ChangeBell } from './change-bell.ts';
import type { EventFacts, EventPublisher, EventTopic } from './event-publisher.ts';
import type { BuildRecord, BuildResult } from './farm-records.ts';
import type { JobBook } from './job-book.ts';
import { buildEnvironment, type BuildPlace } from './build-environment.ts';
import type { StandInOptions } from './stand-in-options.ts';

export type BuildOrder = BuildPlace & {
  readonly by: BuildRecord['by'];
  readonly queueId: number;
  /** What else happens when the build ends, each at its own moment, before the executor is free again. */
  readonly endings?: readonly ((end: BuildEnd) => void)[];
};

export type BuildEnd = {
  readonly result: BuildResult;
  /** The node went away, or Jenkins stops: the gearman client hears no result. */
  readonly isLost: boolean;
};

/** Why a build is ended before its time. */
export type AbortReason = 'stopped' | 'node-lost' | 'shutdown';

export type StartedBuild = { readonly build: BuildRecord; readonly ended: Promise<BuildEnd> };

export type BuildRunnerDeps = {
  readonly jobs: JobBook;
  readonly events: EventPublisher;
  readonly bell: ChangeBell;
  readonly options: StandInOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomness: Randomness;
  readonly baseUrl: () => string;
};

/** Runs builds on executors, and tells of them. */
export class BuildRunner {
  readonly #deps: BuildRunnerDeps;
  readonly #running = new Set<{ readonly abort: AbortController; readonly ended: Promise<unknown> }>();

  constructor(deps: BuildRunnerDeps) {
    this.#deps = deps;
  }

  /** Occupies the executor at once. Never throws. */
  start(order: BuildOrder): StartedBuild {
    const { job, computer, executor } = order;
    const build = this.#deps.jobs.startBuild(job, {
      parameters: this.#shown(order),
      builtOn: computer.name,
      by: order.by,
      queueId: order.queueId,
    });
    this.#deps.log.info(`Build ${build.id} begins on "${computer.name}"`, { uuid: order.parameters['ZUUL_UUID'] });
    const abort = new AbortController();
    executor.build = { job: job.id, number: build.number, abort };
    const ended = this.#run(order, build, abort.signal);
    const entry = { abort, ended };
    this.#running.add(entry);
    void ended.finally(() => this.#running.delete(entry));
    this.#deps.bell.ring();
    return { build, ended };
  }

  /** Ends all builds as a stop of Jenkins does: they are ABORTED, and no event tells of it. */
  async abortAll(): Promise<void> {
    const running = [...this.#running];
    for (const { abort } of running) abort.abort('shutdown' satisfies AbortReason);
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #run(order: BuildOrder, build: BuildRecord, signal: AbortSignal): Promise<BuildEnd> {
    this.#publish('onStarted', order, { build });
    const end = await this.#runStep(order, build, signal);
    this.#deps.jobs.endBuild(build, end.result);
    this.#deps.log.info(`Build ${build.id} has ended: ${end.result}`, { isLost: end.isLost });
    await this.#tell(order, build, { ...end, isQuiet: signal.reason === 'shutdown' });
    order.executor.build = undefined;
    this.#deps.bell.ring();
    return end;
  }

  async #runStep(order: BuildOrder, build: BuildRecord, signal: AbortSignal): Promise<BuildEnd> {
    const say = (text: string): void => {
      this.#deps.jobs.logs.append(build.id, text);
    };
    try {
      say(`Started by ${order.by === 'gearman' ? 'user unknown or anonymous' : `user ${this.#deps.options.user}`}\n`);
      const status = await this.#execute(order, { build, say }, signal);
      return this.#ended(status === 0 ? 'SUCCESS' : 'FAILURE', { say, isLost: false });
    } catch (error) {
      if (signal.reason === 'stopped') return this.#ended('ABORTED', { say, isLost: false });
      if (signal.reason === 'shutdown') return this.#ended('ABORTED', { say, isLost: true });
      say(`FATAL: command execution failed\n${describeError(error)}\n`);
      this.#deps.log.warn(`Build ${build.id} is lost: ${describeError(error)}`, { reason: signal.reason as unknown });
      return this.#ended('FAILURE', { say, isLost: true });
    }
  }

  async #execute(
    order: BuildOrder,
    { build, say }: { readonly build: BuildRecord; readonly say: (text: string) => void },
    signal: AbortSignal,
  ): Promise<number> {
    const { channel, isBuiltIn, record } = order.computer;
    if (isBuiltIn) return 0; // runs nothing: that machine is this process's own
    if (channel === undefined) throw new Error('The channel is closed');
    const command = {
      script: order.job.command,
      environment: buildEnvironment(order, build, this.#deps.baseUrl()),
      folder: `${record.remoteFolder}/workspace/${order.job.id}`,
      onOutput: say,
    };
    return await channel.run(command, signal);
  }

  #ended(
    result: BuildResult,
    { say, isLost }: { readonly say: (text: string) => void; readonly isLost: boolean },
  ): BuildEnd {
    say(`Finished: ${result}\n`);
    return { result, isLost };
  }

  /** The two events and the other endings lie close together, in no order but that of the events. */
  async #tell(order: BuildOrder, build: BuildRecord, end: BuildEnd & { readonly isQuiet: boolean }): Promise<void> {
    const events = async (): Promise<void> => {
      if (end.isQuiet) return;
      await this.#jitter(0.5);
      this.#publish('onCompleted', order, { build, result: end.result });
      await this.#jitter(0.5);
      this.#publish('onFinalized', order, { build, result: end.result });
    };
    const others = (order.endings ?? []).map(async (ending) => {
      if (!end.isQuiet) await this.#jitter(1);
      ending(end);
    });
    await Promise.all([events(), ...others]);
  }

  async #jitter(share: number): Promise<void> {
    const ms = this.#deps.options.timing.endingJitterMs * share * this.#deps.randomness.fraction();
    if (ms > 0) await this.#deps.clock.sleep(ms);
  }

  #publish(topic: EventTopic, { computer }: BuildOrder, facts: Pick<EventFacts, 'build' | 'result'>): void {
    this.#deps.events.publish(topic, {
      ...facts,
      nodeDescription: computer.removing || computer.gone.signal.aborted ? undefined : computer.record.description,
    });
  }

  #shown({ job, parameters }: BuildOrder): Readonly<Record<string, string>> {
    if (this.#deps.options.keepUndefinedParameters) return parameters;
    return Object.fromEntries(Object.entries(parameters).filter(([name]) => Object.hasOwn(job.parameters, name)));
  }
}
