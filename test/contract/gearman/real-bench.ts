import { GearmanAdmin } from '../../../src/gearman/gearman-admin.ts';
import { GearmanClient } from '../../../src/gearman/gearman-client.ts';
import type { GearmanServer } from '../../../src/gearman/gearman-server.ts';
import { GearmanWorker } from '../../../src/gearman/gearman-worker.ts';
import type { JobOutcome } from '../../../src/gearman/submitted-job.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { TaskBoard } from '../../../src/runtime/task-board.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';

/** Our client, worker and admin against real servers, in real time; disposing closes what was made. */
export class RealBench implements AsyncDisposable {
  readonly clock = systemClock;
  readonly randomness = systemRandomness;
  readonly tasks = new TaskBoard(systemClock);
  readonly log = new RecordingLogger();
  readonly #opened: { close(): void | Promise<void> }[] = [];

  client(...servers: readonly GearmanServer[]): GearmanClient {
    return this.#keep(new GearmanClient({ servers, clientId: 'nodepool' }, this));
  }

  /** With one slot. */
  worker(...servers: readonly GearmanServer[]): GearmanWorker {
    return this.#keep(new GearmanWorker({ servers, clientIds: ['our-worker'] }, this));
  }

  admin(server: GearmanServer): GearmanAdmin {
    return this.#keep(new GearmanAdmin(server, this));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#opened) await opened.close();
  }

  #keep<T extends { close(): void | Promise<void> }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }
}

/** A job's outcome in one line. */
export function showOutcome(outcome: JobOutcome): string {
  if (outcome.type === 'completed') return `completed ${outcome.result.toString()}`;
  if (outcome.type === 'exception') return `exception ${outcome.message}`;
  return outcome.type;
}
