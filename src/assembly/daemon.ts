import type { AllocationRound } from '../allocation/allocation-history.ts';
import { RoundMemory } from '../allocation/round-memory.ts';
import { REREAD } from '../db/change-feed.ts';
import type { Database } from '../db/database.ts';
import { DibWork } from '../dib/dib-work.ts';
import { shareOffers } from '../dib/shared-offers.ts';
import type { QueueStatusSource } from '../gearman/queue-status-source.ts';
import type { BuilderJobs } from '../image/builder-jobs.ts';
import type { ImageFailures } from '../image/image-failures.ts';
import type { LeaderRole } from '../node/daemon-store.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { Node } from '../node/node.ts';
import { DeletionRetries } from '../pool/deletion-pass.ts';
import { LaunchBreakers } from '../pool/launch-breakers.ts';
import { LaunchTurns } from '../pool/launch-turns.ts';
import { QuotaBook } from '../pool/quota-book.ts';
import { SingleUse } from '../pool/single-use.ts';
import { Sightings } from '../pool/reconcile-pass.ts';
import type { Credential, KeyPairs, QuoteForShell, RemoteMachines } from '../provider/remote-machine.ts';
import type { Clock } from '../runtime/clock.ts';
import { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import { PartedPass } from '../runtime/parted-pass.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { SharedComplaints } from '../runtime/shared-complaints.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { ImageWork } from '../snapshot/image-work.ts';
import type { Clients } from './clients.ts';
import { DemandWatch } from './demand-watch.ts';
import { FreezeWatch } from './freeze-watch.ts';
import { IdCheck } from './id-check.ts';
import { TargetWatch } from './target-watch.ts';

/** What the daemon is made of; the root builds it. */
export type DaemonParts = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly database: Database;
  readonly clients: Pick<Clients, keyof Clients>;
  readonly queueStatus: Pick<QueueStatusSource, 'read' | 'setServers' | 'close'>;
  readonly builderJobs: BuilderJobs;
  readonly imageFailures: ImageFailures;
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
const MAX_ADMISSIONS = 50;

const IMAGE_TABLES: readonly string[] = ['snapshot_image', 'dib_image', 'image_pause'];

/** The daemon's memory between passes: caches, wake-ups and work under way. Nothing here must survive a restart. */
export class Daemon {
  readonly parts: DaemonParts;
  readonly launches: KeyedTasks;
  readonly deletions: KeyedTasks;
  /** Labels for the agents of nodes that passed their test. */
  readonly admissions: KeyedTasks;
  readonly singleUse: SingleUse;
  readonly imageWork: ImageWork;
  readonly dibWork: DibWork;
  readonly builderJobs: BuilderJobs;
  readonly breakers: LaunchBreakers;
  readonly retries: DeletionRetries;
  /** Reconciliation and held nodes, a target apart from the others; quotas and base images, a provider apart. */
  readonly reconciling: PartedPass;
  readonly holding: PartedPass;
  readonly readingQuotas: PartedPass;
  readonly lookingAtBases: PartedPass;
  readonly quotas = new QuotaBook();
  readonly launchTurns = new LaunchTurns();
  readonly leakSightings = new Sightings();
  readonly wakeAllocation: Wakeup;
  readonly wakeLaunches: Wakeup;
  readonly wakeDeletions: Wakeup;
  readonly wakeImages: Wakeup;
  readonly wakeDibImages: Wakeup;
  readonly wakeHolds: Wakeup;
  readonly wakeReconcile: Wakeup;
  readonly wakeFreeze: Wakeup;
  readonly demand: DemandWatch;
  readonly targets: TargetWatch;
  readonly freeze: FreezeWatch;
  readonly idCheck: IdCheck;
  readonly complaints: Readonly<Record<'registration' | 'deletion' | 'events', SharedComplaints>>;
  readonly #sightings = new Map<string, Sightings>();
  #rounds: RoundMemory;

  constructor(parts: DaemonParts, history: readonly AllocationRound[]) {
    const { clock, log, tasks } = parts;
    this.parts = parts;
    this.#rounds = new RoundMemory(history);
    this.launches = new KeyedTasks('NodeLauncher', MAX_LAUNCHES, { log: log.child('NodeLauncher'), tasks });
    this.deletions = new KeyedTasks('NodeDeleter', MAX_DELETIONS, { log: log.child('NodeDeleter'), tasks });
    this.admissions = new KeyedTasks('NodeAdmission', MAX_ADMISSIONS, { log: log.child('NodePool'), tasks });
    const closings = new KeyedTasks('NodeCloser', MAX_CLOSINGS, { log: log.child('NodePool'), tasks });
    this.singleUse = new SingleUse({ farm: () => parts.clients, closings, log: log.child('NodePool') });
    this.imageWork = new ImageWork(parts);
    this.dibWork = new DibWork(parts);
    this.builderJobs = shareOffers(parts.builderJobs, clock);
    this.breakers = new LaunchBreakers(parts);
    this.retries = new DeletionRetries(parts);
    this.wakeAllocation = new Wakeup(clock);
    this.wakeLaunches = new Wakeup(clock);
    this.wakeDeletions = new Wakeup(clock);
    this.wakeImages = new Wakeup(clock);
    this.wakeDibImages = new Wakeup(clock);
    this.wakeHolds = new Wakeup(clock);
    this.wakeReconcile = new Wakeup(clock);
    this.wakeFreeze = new Wakeup(clock);
    this.demand = new DemandWatch(parts.queueStatus, this.wakeAllocation);
    const loop = { clock, tasks, log: log.child('NodePool') };
    this.targets = new TargetWatch(loop, {
      wake: () => {
        this.onTargetChanged();
      },
    });
    this.reconciling = new PartedPass('Reconciliation with', loop);
    this.holding = new PartedPass('Taking held nodes out of jenkins of', loop);
    this.readingQuotas = new PartedPass('Reading the quota of', loop);
    this.lookingAtBases = new PartedPass('Looking at base images of', loop);
    this.complaints = {
      registration: new SharedComplaints({ clock, log: log.child('NodeLauncher') }),
      deletion: new SharedComplaints({ clock, log: log.child('NodeDeleter') }),
      events: new SharedComplaints({ clock, log: log.child('NodeUpdateListener') }),
    };
    this.freeze = new FreezeWatch(parts.database.farmFreeze, log.child('NodePool'));
    const { ids, nodes, installationId } = parts.database;
    this.idCheck = new IdCheck({ ...parts, ids, nodes, installationId, log: log.child('NodePool') });
  }

  get rounds(): RoundMemory {
    return this.#rounds;
  }

  /** What the last reconciliation saw at a target. */
  sightingsAt(target: string): Sightings {
    const known = this.#sightings.get(target) ?? new Sightings();
    this.#sightings.set(target, known);
    return known;
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
    if (IMAGE_TABLES.includes(table) || isAnyTable) this.#onImagesChanged();
    if (table === 'freeze' || isAnyTable) this.wakeFreeze.wake();
    // While the database was away, no event was taken in.
    if (isAnyTable) this.wakeReconcile.wake();
    this.wakeAllocation.wake();
  }

  /** A Jenkins went away or is back. Nobody heard what it said meanwhile, and its jobs may have ended with it. */
  onTargetChanged(): void {
    this.singleUse.distrustJobs();
    this.wakeReconcile.wake();
    this.wakeAllocation.wake();
  }

  /** The operator let the farm go on: everything that was left undone may begin. */
  onThawed(): void {
    this.onRowsChanged('node');
    this.wakeAllImages();
  }

  /** Another daemon died or left: its rows and what it led may be ours now. */
  onStandingChanged(): void {
    this.onRowsChanged('node');
    this.#onImagesChanged();
    this.wakeReconcile.wake();
  }

  /** Whoever builds or uploads images looks now. */
  wakeAllImages(): void {
    this.wakeImages.wake();
    this.wakeDibImages.wake();
  }

  #onImagesChanged(): void {
    this.dibWork.noteRows(true);
    this.wakeAllImages();
  }

  /** Waits until nothing is under way. */
  async settled(): Promise<void> {
    const { launches, deletions, admissions, imageWork, dibWork, singleUse, targets, reconciling, holding } = this;
    const passes = [targets, reconciling, holding, this.readingQuotas, this.lookingAtBases];
    const works = [launches, deletions, admissions, imageWork, dibWork, singleUse, ...passes];
    await Promise.all(works.map((work) => work.settled()));
  }
}
