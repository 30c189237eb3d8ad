import { setMaxListeners } from 'node:events';
import { type DaemonRoles, runDaemonLoops } from '../../src/assembly/daemon-loops.ts';
import type { Daemon } from '../../src/assembly/daemon.ts';
import { takeInJobEvents } from '../../src/assembly/job-event-intake.ts';
import { jobEventDeps } from '../../src/assembly/pass-deps.ts';
import type { Config } from '../../src/config/config.ts';
import type { Database } from '../../src/db/database.ts';
import { openJobEvents } from '../../src/events/open-job-events.ts';
import { type BenchDeps, benchDeps } from './bench-deps.ts';
import { openDaemon, type OpenDaemon } from './open-daemon.ts';

const ROLES: DaemonRoles = { launches: true, deletes: true, images: false };

/** All of the daemon but SSH: the same parts and loops as `nodepoold`'s, in this process. */
export class BenchDaemon implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>;
  readonly #events: ReturnType<typeof openJobEvents>;
  readonly #parts: OpenDaemon;
  readonly #stopListening: () => void;

  /** Without `roles` it makes no images. */
  constructor(config: Config, database: Database, deps: BenchDeps & { readonly roles?: DaemonRoles } = benchDeps()) {
    const { roles = ROLES, ...base } = deps;
    const { signal } = this.#stopping;
    setMaxListeners(0, signal);
    this.#parts = openDaemon(config, database, base);
    const { daemon } = this.#parts;
    const eventDeps = jobEventDeps(daemon, signal);
    this.#events = openJobEvents(
      config.zmqPublishers,
      {
        ...base,
        onEvents: async (batch) => {
          daemon.demand.markStale();
          await takeInJobEvents(batch, eventDeps, signal);
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
    this.#loops = runDaemonLoops(daemon, roles, signal);
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
    await this.#parts[Symbol.asyncDispose]();
  }
}
