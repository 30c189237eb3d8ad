import { setMaxListeners } from 'node:events';
import { Clients } from '../../src/assembly/clients.ts';
import { openBuilderJobs } from '../../src/assembly/open-builder-jobs.ts';
import { runDaemonLoops } from '../../src/assembly/daemon-loops.ts';
import { Daemon } from '../../src/assembly/daemon.ts';
import { takeInJobEvents } from '../../src/assembly/job-event-intake.ts';
import { jobEventDeps } from '../../src/assembly/pass-deps.ts';
import type { Config } from '../../src/config/config.ts';
import { openJobEvents } from '../../src/events/open-job-events.ts';
import { QueueStatusSource } from '../../src/gearman/queue-status-source.ts';
import { openMetrics } from '../../src/metrics/open-metrics.ts';
import { quoteForShell } from '../../src/ssh/quote-for-shell.ts';
import type { Database } from '../../src/db/database.ts';
import { type BenchDeps, benchDeps } from './bench-deps.ts';
import { READY_KEY_PAIRS, SILENT_MACHINES } from './silent-machines.ts';

const ROLES = { launches: true, deletes: true, images: false };

/** All of the daemon but SSH: the same parts and loops as `nodepoold`'s, in this process. */
export class BenchDaemon implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>;
  readonly #events: ReturnType<typeof openJobEvents>;
  readonly #stopListening: () => void;

  constructor(config: Config, database: Database, base: BenchDeps = benchDeps()) {
    const { signal } = this.#stopping;
    setMaxListeners(0, signal);
    const metrics = openMetrics({}, base);
    const clients = new Clients(config, { ...base, ...metrics.calls });
    const gearmanLog = base.log.child('GearmanClient');
    const queueStatus = new QueueStatusSource(config.gearmanServers, { ...base, log: gearmanLog });
    const daemon = new Daemon(
      {
        ...{ ...base, database, clients, quoteForShell, metrics: metrics.nodes },
        queueStatus,
        builderJobs: openBuilderJobs(config, { ...base, queueStatus }).jobs,
        ...{ machines: SILENT_MACHINES, keyPairs: READY_KEY_PAIRS, accountKeys: [], scriptEnvironment: {} },
      },
      [],
    );
    const deps = jobEventDeps(daemon, signal);
    this.#events = openJobEvents(
      config.zmqPublishers,
      {
        ...base,
        onEvents: async (batch) => {
          daemon.demand.markStale();
          await takeInJobEvents(batch, deps, signal);
        },
        onResync: () => {
          daemon.wakeReconcile.wake();
        },
      },
      signal,
    );
    this.#stopListening = database.onChange(({ table }) => {
      daemon.onRowsChanged(table);
    });
    this.#loops = runDaemonLoops(daemon, ROLES, signal);
    this.daemon = daemon;
  }

  /** As a reload does it. */
  use(config: Config): void {
    this.daemon.parts.clients.use(config);
    this.daemon.wakeAllocation.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    this.#stopping.abort(new Error('The bench has measured enough'));
    await this.#loops;
    await this.#events.close();
    this.daemon.parts.queueStatus.close();
    await this.daemon.settled();
    await this.daemon.parts.clients[Symbol.asyncDispose]();
  }
}
