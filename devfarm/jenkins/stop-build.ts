import type { AbortReason } from './build-runner.ts';
import type { Computers } from './computers.ts';
import type { BuildRecord } from './farm-records.ts';

/** Ends a running build as a user does: it becomes ABORTED. Does nothing to one that has ended. */
export function stopBuild({ job, number }: BuildRecord, computers: Computers): void {
  const running = computers
    .all()
    .flatMap((computer) => computer.executors)
    .find(({ build }) => build?.job === job && build.number === number);
  running?.build?.abort.abort('stopped' satisfies AbortReason);
}
