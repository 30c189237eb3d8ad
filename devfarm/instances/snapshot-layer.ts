import { freezeInstance, thawInstance } from './freeze-instance.ts';
import { findInstanceProcess } from './instance-process.ts';
import type { StateFolder } from './state-folder.ts';

export type UpperToCopy = {
  /** The instance's folder. */
  readonly instance: string;
  readonly tree: string;
  readonly signal?: AbortSignal | undefined;
};

/** Copies what an instance has written, as of one moment, into the new folder `tree`: a layer above its image's. */
export async function copyUpper(work: UpperToCopy, folder: StateFolder): Promise<void> {
  const running = await findInstanceProcess(work.instance);
  try {
    if (running !== undefined) await freezeInstance(work.instance, running.init);
    // -a keeps device nodes (whiteouts), extended attributes (opaque folders), hard links and owners. The page cache is
    // shared: no sync is needed to see what the instance wrote.
    const argv = ['cp', '-a', '--reflink=auto', `${work.instance}/upper`, work.tree];
    await folder.runAsOwner({ argv, purpose: 'copy a disk', timeoutMs: 600_000, signal: work.signal });
  } finally {
    await thawInstance(work.instance);
  }
  // Not with a glob: /tmp of the instance could be a link to /tmp of the host.
  const argv = ['sh', '-ec', EMPTY_TMP, 'empty', `${work.tree}/tmp`];
  await folder.runAsOwner({ argv, purpose: 'empty /tmp', timeoutMs: 60_000, signal: work.signal });
}

const EMPTY_TMP = '[ -L "$1" ] || [ ! -d "$1" ] || find "$1" -mindepth 1 -delete';
