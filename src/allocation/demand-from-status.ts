/** One function of a Gearman server's queue, as its `status` lists it. */
export type QueueRow = {
  /** Function name, e.g. `build:unit:trusty`. */
  readonly name: string;
  /** Jobs in the queue, the running ones included. */
  readonly total: number;
  readonly running: number;
  readonly workers: number;
};

/** How many nodes of each label the queued jobs ask for; a label without jobs is absent. */
export type Demand = ReadonlyMap<string, number>;

const BUILD_PREFIX = 'build:';

/**
 * Adds up the jobs of all servers by label (upstream: getNeededWorkers). `build:JOB:LABEL` asks for LABEL; `build:JOB`
 * for the label that JOB was first listed with, on any of the servers. Running jobs count too: their nodes are supply.
 *
 * @param servers the rows of each server in the configured order; a server that is unknown is left out
 */
export function demandFromStatus(servers: readonly (readonly QueueRow[])[]): Map<string, number> {
  const demand = new Map<string, number>();
  const loose = new Map<string, number>();
  const firstLabels = new Map<string, string>();
  for (const row of servers.flat()) {
    if (!row.name.startsWith(BUILD_PREFIX)) continue;
    const parts = row.name.slice(BUILD_PREFIX.length).split(':');
    const job = parts.at(-2);
    const last = parts.at(-1) ?? '';
    if (job === undefined) {
      addJobs(loose, last, row.total);
      continue;
    }
    if (!firstLabels.has(job)) firstLabels.set(job, last);
    addJobs(demand, last, row.total);
  }
  for (const [job, jobs] of loose) {
    const label = firstLabels.get(job);
    if (label !== undefined) addJobs(demand, label, jobs);
  }
  return demand;
}

function addJobs(sums: Map<string, number>, key: string, jobs: number): void {
  if (jobs > 0) sums.set(key, (sums.get(key) ?? 0) + jobs);
}
