import { Clients } from '../../src/assembly/clients.ts';
import { Daemon } from '../../src/assembly/daemon.ts';
import { openBuilderJobs } from '../../src/assembly/open-builder-jobs.ts';
import type { Config } from '../../src/config/config.ts';
import type { Database } from '../../src/db/database.ts';
import { QueueStatusSource } from '../../src/gearman/queue-status-source.ts';
import { openMetrics } from '../../src/metrics/open-metrics.ts';
import { quoteForShell } from '../../src/ssh/quote-for-shell.ts';
import type { BenchDeps } from './bench-deps.ts';
import { SILENT_MACHINES } from './silent-machines.ts';
import { onlyKeyPairs } from '../../test/fakes/only-key-pairs.ts';

/** The daemon's parts, and what closes them once no loop of it runs. */
export type OpenDaemon = AsyncDisposable & { readonly daemon: Daemon };

/** All of the daemon but SSH and loops: the same parts as `nodepoold`'s. */
export function openDaemon(config: Config, database: Database, base: BenchDeps): OpenDaemon {
  const metrics = openMetrics({}, base);
  const clients = new Clients(config, { ...base, ...metrics.calls });
  const gearmanLog = base.log.child('GearmanClient');
  const queueStatus = new QueueStatusSource(config.gearmanServers, { ...base, log: gearmanLog });
  const builderJobs = openBuilderJobs(config, { ...base, queueStatus });
  const daemon = new Daemon(
    {
      ...{ ...base, database, clients, quoteForShell, metrics: metrics.nodes },
      queueStatus,
      builderJobs: builderJobs.jobs,
      imageFailures: { tell: () => undefined },
      ...{ machines: SILENT_MACHINES, keyPairs: onlyKeyPairs, accountKeys: [], scriptEnvironment: {} },
    },
    [],
  );
  return {
    daemon,
    [Symbol.asyncDispose]: async () => {
      queueStatus.close();
      await daemon.settled();
      await builderJobs[Symbol.asyncDispose]();
      await clients[Symbol.asyncDispose]();
    },
  };
}
