/**
 * Every named moment at which a test may have this process killed: before and after each outside effect and its record.
 * A name that ends in `-sent` is passed right before a call goes out, and kills while that is on its way.
 */
export const CRASH_POINTS = [
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
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** How long after a call went out the process is killed that is to die before the answer. */
const ON_ITS_WAY_MS = 3;

/** Kills at the N-th passing of one point: `NAME` or `NAME:N`. */
export class CrashTrigger {
  readonly #name: CrashPoint;
  readonly #kill: () => void;
  #left: number;

  /** @throws {Error} there is no such point, or N is no number from 1 on */
  constructor(order: string, kill: () => void) {
    const [name = '', count = '1'] = order.split(':');
    const known = CRASH_POINTS.find((each) => each === name);
    if (known === undefined) throw new Error(`There is no crash point "${name}"`);
    this.#left = Number(count);
    if (!Number.isSafeInteger(this.#left) || this.#left < 1) throw new Error(`Cannot count to "${count}"`);
    this.#name = known;
    this.#kill = kill;
  }

  pass(name: CrashPoint): void {
    if (name !== this.#name) return;
    this.#left -= 1;
    if (this.#left !== 0) return;
    if (name.endsWith('-sent')) setTimeout(this.#kill, ON_ITS_WAY_MS);
    else this.#kill();
  }
}

/** Of the whole process, as its end is: set by `NODEPOOL_CRASH_AT` at its start, and by nothing else. */
const trigger = triggerOf(process.env['NODEPOOL_CRASH_AT']);

/** Does nothing, unless a test has this process killed here by SIGKILL (`NODEPOOL_CRASH_AT=NAME[:N]`). */
export function crashPoint(name: CrashPoint): void {
  trigger?.pass(name);
}

function triggerOf(order: string | undefined): CrashTrigger | undefined {
  if (order === undefined || order === '') return undefined;
  return new CrashTrigger(order, () => process.kill(process.pid, 'SIGKILL'));
}
