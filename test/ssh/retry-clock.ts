import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

/** A clock on which the waits between tries take no time. Deadlines, which sleep with a signal of their own, stand still. */
export class RetryClock extends FakeClock {
  /** Length of each wait. */
  readonly waits: number[] = [];

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal !== neverAborted) {
      await super.sleep(ms, signal);
      return;
    }
    this.waits.push(ms);
    await this.advance(ms);
  }
}
