import type { AllocationRound } from '../allocation/allocation-history.ts';
import { RoundMemory } from '../allocation/round-memory.ts';
import { REREAD } from '../db/change-feed.ts';
import type { Database } from '../db/database.ts';
import { QueueStatusSource } from '../gearman/queue-status-source.ts';
import type { LeaderRole } from '../node/daemon-store.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { Node } from '../node/node.ts';
import { DeletionRetries } from '../pool/deletion-pass.ts';
import { LaunchBreakers } from '../pool/launch-breakers.ts';
import { SingleUse } from '../pool/single-use.ts';
import { Sightings } from '../pool/reconcile-pass.ts';
import type { Credential, KeyPairs, QuoteForShell, RemoteMachines } from '../provider/remote-machine.ts';
import type { Clock } from '../runtime/clock.ts';
import { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { ImageWork } from '../snapshot/image-work.ts';
import type { Clients } from './clients.ts';
import { DemandWatch } from './demand-watch.ts';
import { FreezeWatch } from './freeze-watch.ts';
import { TargetWatch } from './target-watch.ts';

/** What the daemon is made of; the root builds it. */
export type DaemonParts = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly database: Database;
  readonly clients: Clients;
  readonly machines: RemoteMachines;
  readonly keyPairs: KeyPairs;
  readonly quoteForShell: QuoteForShell;
  readonly accountKeys: readonly Credential[];
  readonly metrics: NodeMetrics;
  readonly scriptEnvironment: Readonly<Record<string, string>>;
  /** Whether this daemon does what only one may do. Absent: it is the only one. */
  readonly leads?: (role: LeaderRole) => boolean;
};

// Each task is a few promises; what bounds the work are the providers' gates and the machines' own limits.
const MAX_LAUNCHES = 500;
const MAX_DELETIONS = 500;
const MAX_CLOSINGS = 50;

/** The daemon's memory between passes: caches, wake-ups and work under way. Nothing here must survive a restart. */
export class Daemon {
  readonly parts: DaemonParts;
  readonly launches: KeyedTasks;
  readonly deletions: KeyedTasks;
  readonly singleUse: SingleUse;
  readonly imageWork: ImageWork;
  readonly breakers: LaunchBreakers;
  readonly retries: DeletionRetries;
  readonly sightings = new Sightings();
  readonly leakSightings = new Sightings();
  readonly wakeAllocation: Wakeup;
  readonly wakeLaunches: Wakeup;
  readonly wakeDeletions: Wakeup;
  readonly wakeImages: Wakeup;
  readonly wakeHolds: Wakeup;
  readonly wakeReconcile: Wakeup;
  readonly wakeFreeze: Wakeup;
  readonly queueStatus: QueueStatusSource;
  readonly demand: DemandWatch;
  readonly targets: TargetWatch;
  readonly freeze: FreezeWatch;
  #rounds: RoundMemory;

  constructor(parts: DaemonParts, history: readonly AllocationRound[]) {
    const { clock, log, tasks } = parts;
    this.parts = parts;
    this.#rounds = new RoundMemory(history);
    this.launches = new KeyedTasks('NodeLauncher', MAX_LAUNCHES, { log: log.child('NodeLauncher'), tasks });
    this.deletions = new KeyedTasks('NodeDeleter', MAX_DELETIONS, { log: log.child('NodeDeleter'), tasks });
    const closings = new KeyedTasks('NodeCloser', MAX_CLOSINGS, { log: log.child('NodePool'), tasks });
    this.singleUse = new SingleUse({ farm: () => parts.clients, closings, log: log.child('NodePool') });
    this.imageWork = new ImageWork(parts);
    this.breakers = new LaunchBreakers(parts);
    this.retries = new DeletionRetries(parts);
    this.wakeAllocation = new Wakeup(clock);
    this.wakeLaunches = new Wakeup(clock);
    this.wakeDeletions = new Wakeup(clock);
    this.wakeImages = new Wakeup(clock);
    this.wakeHolds = new Wakeup(clock);
    this.wakeReconcile = new Wakeup(clock);
    this.wakeFreeze = new Wakeup(clock);
    this.queueStatus = new QueueStatusSource(parts.clients.config.gearmanServers, {
      ...parts,
      log: log.child('GearmanClient'),
    });
    this.demand = new DemandWatch(this.queueStatus, this.wakeAllocation);
    this.targets = new TargetWatch(log.child('NodePool'), this.wakeAllocation);
    this.freeze = new FreezeWatch(parts.database.farmFreeze, log.child('NodePool'));
  }

  get rounds(): RoundMemory {
    return this.#rounds;
  }

  /** Takes over the rounds of another daemon. */
  rememberRounds(history: readonly AllocationRound[]): void {
    this.#rounds = new RoundMemory(history);
  }

  leads(role: LeaderRole): boolean {
    return this.parts.leads?.(role) ?? true;
  }

  isOnline(target: string): boolean {
    return this.targets.isOnline(target, this.parts.clients.agentsOf(target) !== undefined);
  }

  /** The name of the node's image, where its label is still configured. */
  imageOf(node: Node): string | undefined {
    return this.parts.clients.config.labels.find(({ name }) => name === node.label)?.image;
  }

  /** A row changed: whoever acts on rows looks now. Hints only; every loop also looks by itself. */
  onRowsChanged(table: string): void {
    const isAnyTable = table === REREAD;
    if (table === 'node' || isAnyTable) {
      this.wakeLaunches.wake();
      this.wakeDeletions.wake();
      this.wakeHolds.wake();
    }
    if (table === 'snapshot_image' || isAnyTable) this.wakeImages.wake();
    if (table === 'freeze' || isAnyTable) this.wakeFreeze.wake();
    // While the database was away, no event was taken in.
    if (isAnyTable) this.wakeReconcile.wake();
    this.wakeAllocation.wake();
  }

  /** The operator let the farm go on: everything that was left undone may begin. */
  onThawed(): void {
    this.onRowsChanged('node');
    this.wakeImages.wake();
  }

  /** Another daemon died or left: its rows and what it led may be ours now. */
  onStandingChanged(): void {
    this.onRowsChanged('node');
    this.wakeImages.wake();
    this.wakeReconcile.wake();
  }

  /** Waits until no launch, deletion or image task is under way. */
  async settled(): Promise<void> {
    const { launches, deletions, imageWork, singleUse } = this;
    await Promise.all([launches, deletions, imageWork, singleUse].map((work) => work.settled()));
  }
}
