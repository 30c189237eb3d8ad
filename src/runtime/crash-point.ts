/**
 * The named moments of nodes and snapshots at which a test may have this process killed: before and after each outside effect
 * and its record. A name that ends in `-sent` is passed right before a call goes out, and kills while that is on its way.
 */
export const FARM_POINTS = [
  // a launch
  'launch-claimed',
  'launch-planned',
  'create-attempt-stored',
  'create-sent',
  'create-answered',
  'server-stored',
  'address-made',
  'address-stored',
  'ssh-open',
  'host-key-stored',
  'node-files-written',
  'ready-script-sent',
  'ready-script-ended',
  'launched',
  'launch-failure-stored',
  // a registration
  'agent-sent',
  'agent-made',
  'agent-recorded',
  // a job's events
  'job-start-heard',
  'job-start-stored',
  'closing-sent',
  'closing-answered',
  'job-end-heard',
  'job-end-stored',
  // a deletion
  'deletion-claimed',
  'guard-offline-sent',
  'guard-offline-answered',
  'agent-removal-sent',
  'agent-removed',
  'server-deletion-sent',
  'server-deletion-answered',
  'server-gone',
  'strays-gone',
  'address-released',
  'node-removed',
  // a snapshot
  'build-begun',
  'build-named',
  'keypair-sent',
  'keypair-made',
  'build-server-stored',
  'build-address-made',
  'build-ssh-open',
  'build-host-key-stored',
  'setup-sent',
  'setup-ended',
  'save-stored',
  'snapshot-sent',
  'snapshot-answered',
  'snapshot-stored',
  'snapshot-active',
  'image-ready',
  'build-failure-stored',
  'build-server-deletion-sent',
  'build-server-gone',
  'build-keypair-gone',
  'build-server-forgotten',
  'image-deletion-sent',
  'image-gone',
  'image-removed',
] as const;

/** Those of disk images: in the daemon, … */
export const DIB_POINTS = [
  // a build
  'dib-row-made',
  'dib-taken',
  'dib-job-stored',
  'dib-job-sent',
  'dib-reported',
  'dib-ready',
  'dib-failure-stored',
  // an upload
  'upload-row-made',
  'upload-taken',
  'upload-named',
  'upload-job-sent',
  'upload-reported',
  'upload-ready',
  'upload-failure-stored',
  // deletions
  'upload-deletion-sent',
  'upload-gone',
  'upload-removed',
  'dib-removal-sent',
  'dib-files-gone',
  'dib-removed',
] as const;

/** … and in its builder. */
export const BUILDER_POINTS = [
  'dib-begun',
  'dib-runs',
  'dib-files-made',
  'dib-half-published',
  'dib-published',
  'upload-begun',
  'upload-record-made',
  'upload-half-sent',
  'upload-active',
  'dib-files-removed',
] as const;

export const CRASH_POINTS = [...FARM_POINTS, ...DIB_POINTS, ...BUILDER_POINTS] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** How long after a call went out the process ends or stands still, before the answer. */
const ON_ITS_WAY_MS = 3;

/** Acts at the N-th passing of one point: `NAME` or `NAME:N`. */
export class CrashTrigger {
  readonly #name: CrashPoint;
  readonly #act: () => void;
  #left: number;

  /** @throws {Error} there is no such point, or N is no number from 1 on */
  constructor(order: string, act: () => void) {
    const [name = '', count = '1'] = order.split(':');
    const known = CRASH_POINTS.find((each) => each === name);
    if (known === undefined) throw new Error(`There is no crash point "${name}"`);
    this.#left = Number(count);
    if (!Number.isSafeInteger(this.#left) || this.#left < 1) throw new Error(`Cannot count to "${count}"`);
    this.#name = known;
    this.#act = act;
  }

  pass(name: CrashPoint): void {
    if (name !== this.#name) return;
    this.#left -= 1;
    if (this.#left !== 0) return;
    if (name.endsWith('-sent')) setTimeout(this.#act, ON_ITS_WAY_MS);
    else this.#act();
  }
}

/** Of the whole process, as its end is: set by these variables at its start, and by nothing else. */
const triggers = [
  ...triggersOf(process.env['NODEPOOL_CRASH_AT'], 'SIGKILL'),
  ...triggersOf(process.env['NODEPOOL_STOP_AT'], 'SIGSTOP'),
];

/**
 * Does nothing, unless a test has this process killed here (`NODEPOOL_CRASH_AT=NAME[:N]`), or stopped (`NODEPOOL_STOP_AT`), so
 * that it can kill one of its peers at this very moment and then let it go on.
 */
export function crashPoint(name: CrashPoint): void {
  for (const trigger of triggers) trigger.pass(name);
}

function triggersOf(order: string | undefined, signal: 'SIGKILL' | 'SIGSTOP'): readonly CrashTrigger[] {
  if (order === undefined || order === '') return [];
  return [new CrashTrigger(order, () => process.kill(process.pid, signal))];
}
