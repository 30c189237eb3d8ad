import type { DaemonIdentity, LeaderRole } from '../node/daemon-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { asError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import type { DaemonFence } from './daemon-fence.ts';
import type { DaemonRegister, Registration, SeenDaemon } from './daemon-register.ts';
import { BEAT_MS, judgeDaemon, type Sighting } from './judge-daemon.ts';
import { isProcessGone, processPlace } from './this-process.ts';

export type LifeDeps = {
  readonly register: DaemonRegister;
  readonly fence: DaemonFence;
  readonly clock: Clock;
  readonly log: Logger;
  /** Since when the session to the database stands. */
  readonly connectedMs: () => number;
  /** Lets go of the daemon's lock. */
  readonly closeSession: () => Promise<void>;
  /** Tells other daemons to look now. */
  readonly tellOthers: () => void;
  /** Calls back when another program changed something; gives what ends that. */
  readonly onChange: (listener: (table: string) => void) => () => void;
};

/** What a look at the other daemons showed. */
export type Look = {
  /** Who leads what; a role that nobody leads is absent. */
  readonly leaders: ReadonlyMap<string, DaemonIdentity>;
  /** Declared dead just now, by this daemon. */
  readonly died: readonly { readonly daemon: DaemonIdentity; readonly why: string }[];
};

/** A beat that comes so late tells of a stand-still, of this process or of the database. */
const LATE_MS = 3 * BEAT_MS;

/**
 * This daemon among the others, from its registration until it leaves or is taken for dead. Each beat says that it lives,
 * declares those dead that do not, and takes the work of a leader that is gone.
 */
export class DaemonLife implements AsyncDisposable {
  readonly identity: DaemonIdentity;
  /** What this daemon is able to lead. */
  readonly mayLead: readonly LeaderRole[];
  readonly #deps: LifeDeps;
  readonly #place: string | undefined;
  readonly #stopping = new AbortController();
  readonly #wakeup: Wakeup;
  readonly #listeners = new Set<(look: Look) => void>();
  #look: Look = { leaders: new Map(), died: [] };
  #lastBeatMs: number;
  #steadySinceMs: number;
  #isOut = false;
  #isResigned = false;
  #running: Promise<void> | undefined;

  private constructor(identity: DaemonIdentity, mayLead: readonly LeaderRole[], deps: LifeDeps) {
    this.identity = identity;
    this.mayLead = mayLead;
    this.#deps = deps;
    this.#place = processPlace();
    this.#wakeup = new Wakeup(deps.clock);
    this.#lastBeatMs = deps.clock.monotonicMs();
    this.#steadySinceMs = this.#lastBeatMs;
  }

  /**
   * Registers the daemon, and leads at once what nobody living leads.
   * @param mayLead what it is able to lead
   * @throws {DatabaseUnavailableError}
   */
  static async begin(
    registration: Omit<Registration, 'place'>,
    mayLead: readonly LeaderRole[],
    deps: LifeDeps,
  ): Promise<DaemonLife> {
    try {
      const place = processPlace() ?? '';
      const number = await deps.register.enter({ ...registration, place });
      const life = new DaemonLife({ ...registration, number }, mayLead, deps);
      await life.#beat();
      life.#running = life.#run(life.#stopping.signal);
      return life;
    } catch (error) {
      await deps.closeSession();
      throw error;
    }
  }

  /** Aborted with a DaemonEndedError once others took this daemon for dead: nothing that it sends is written any more. */
  get ended(): AbortSignal {
    return this.#deps.fence.ended;
  }

  leads(role: LeaderRole): boolean {
    return this.#look.leaders.get(role)?.id === this.identity.id;
  }

  /** Who leads what, as it was seen last. */
  get look(): Look {
    return this.#look;
  }

  /** Calls `listener` after each look that showed another leader or a death. It must not throw. */
  onNews(listener: (look: Look) => void): void {
    this.#listeners.add(listener);
  }

  /** Lets others lead these at once; this daemon leads nothing new from now on. */
  async resign(roles: readonly LeaderRole[]): Promise<void> {
    this.#isResigned = true;
    await this.#tell(() => this.#deps.register.resign(roles));
  }

  /** Ends this life: others go on at once with all that was its own. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.#tell(() => this.#deps.register.leave());
    await this.#deps.closeSession();
  }

  async #tell(step: () => Promise<void>): Promise<void> {
    if (this.ended.aborted) return;
    try {
      await step();
      this.#deps.tellOthers();
    } catch (error) {
      this.#deps.log.debug('Cannot tell the database that this daemon stops; the others find out', { error });
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new Error('The daemon leaves'));
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const stopListening = this.#deps.onChange((table) => {
      if (table === 'daemon') this.#wakeup.wake();
    });
    while (!this.ended.aborted) {
      await this.#wakeup.wait(BEAT_MS, signal).catch(() => undefined); // leaving: the loop ends
      if (signal.aborted) break;
      await this.#tryToBeat();
    }
    stopListening();
  }

  async #tryToBeat(): Promise<void> {
    try {
      await this.#beat();
      this.#isOut = false;
    } catch (error) {
      if (this.ended.aborted) return;
      if (!this.#isOut) this.#deps.log.warn('This daemon cannot be heard by others', { error: asError(error) });
      this.#isOut = true;
    }
  }

  async #beat(): Promise<void> {
    const { register, clock, fence } = this.#deps;
    if (!(await register.beat())) await fence.check();
    const doneMs = clock.monotonicMs();
    if (doneMs - this.#lastBeatMs > LATE_MS) this.#steadySinceMs = doneMs;
    this.#lastBeatMs = doneMs;
    await this.#lookAround();
  }

  async #lookAround(): Promise<void> {
    const { register, fence } = this.#deps;
    let living = await register.living();
    const died = await this.#buryTheDead(living);
    if (died.length > 0) living = await register.living();
    const free = this.#isResigned
      ? []
      : this.mayLead.filter((role) => !living.some(({ leads }) => leads.includes(role)));
    if (free.length > 0) {
      await register.lead(free);
      living = await register.living();
    }
    if (!living.some(({ id }) => id === this.identity.id)) await fence.check();
    this.#note({ leaders: leadersOf(living), died });
  }

  async #buryTheDead(living: readonly SeenDaemon[]): Promise<Look['died']> {
    const died = [];
    for (const daemon of living) {
      const verdict = daemon.id === this.identity.id ? undefined : this.#judge(daemon);
      if (verdict === undefined || !(await this.#deps.register.bury(daemon, verdict))) continue;
      died.push({ daemon, why: verdict.why });
    }
    return died;
  }

  #judge(daemon: Sighting): ReturnType<typeof judgeDaemon> {
    const sinceMs = Math.max(this.#steadySinceMs, this.#deps.connectedMs());
    const steadyMs = this.#deps.clock.monotonicMs() - sinceMs;
    return judgeDaemon(daemon, { place: this.#place, isProcessGone, steadyMs });
  }

  #note(look: Look): void {
    const isNew = look.died.length > 0 || !sameLeaders(look.leaders, this.#look.leaders);
    this.#look = look;
    if (isNew) for (const listener of this.#listeners) listener(look);
  }
}

function leadersOf(living: readonly SeenDaemon[]): Look['leaders'] {
  return new Map(living.flatMap((daemon) => daemon.leads.map((role) => [role, daemon] as const)));
}

function sameLeaders(a: Look['leaders'], b: Look['leaders']): boolean {
  return a.size === b.size && [...a].every(([role, { id }]) => b.get(role)?.id === id);
}
