import type { Config } from '../config/config.ts';
import { GearmanBuilderJobs } from '../gearman/gearman-builder-jobs.ts';
import { GearmanClient, type GearmanClientDeps } from '../gearman/gearman-client.ts';
import type { QueueStatusSource } from '../gearman/queue-status-source.ts';
import type { BuilderJobs } from '../image/builder-jobs.ts';

/** Builders, over the configured Gearman servers. */
export type OpenBuilderJobs = AsyncDisposable & { readonly jobs: BuilderJobs; use(config: Config): void };

/** Costs nothing until there is a disk image to build. */
export function openBuilderJobs(
  { gearmanServers }: Config,
  deps: GearmanClientDeps & { readonly queueStatus: Pick<QueueStatusSource, 'read'> },
): OpenBuilderJobs {
  const client = new GearmanClient({ servers: gearmanServers, clientId: 'nodepool' }, deps);
  return {
    jobs: new GearmanBuilderJobs({ client, queueStatus: deps.queueStatus, clock: deps.clock }),
    use: (config) => {
      client.setServers(config.gearmanServers);
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
